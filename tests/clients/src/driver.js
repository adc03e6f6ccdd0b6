// What the tests see of a page: `window.rtvi`. Every outcome comes back as data; nothing here throws at the test.
//
//   open(options)            makes a client with the page's own `make(options, callbacks)`
//   call(method, args)       → {value} or {error: {kind, message, data}}, with `ms` it took
//   callAll([[method, args]]) → the outcomes of calls that were all under way at once, in the order given
//   events                   [{name, at, data}] of every callback, oldest first
//   extra[method](client, record, ...args)  a page's own calls; `record(name, [data])` adds to the events
//   event(name, having, after, ms) → the first event of that name at or behind index `after` whose data holds the text
//                              `having`, or null when none came in time

const NO_ANSWER_MS = 8000;

/** A JSON copy, or a short text for what JSON cannot carry (media tracks, devices). */
function plain(value) {
  try {
    return value === undefined ? null : JSON.parse(JSON.stringify(value));
  } catch {
    return String(value);
  }
}

/** Refusals are RTVI envelopes, local failures are Errors; `status` is the HTTP status where there was one. */
function fault(reason) {
  if (reason instanceof Error) {
    return { kind: reason.name, message: reason.message, data: { status: reason.status ?? null } };
  }
  const data = plain(reason?.data ?? null);
  return { kind: reason?.type ?? typeof reason, message: data?.error ?? JSON.stringify(plain(reason)), data };
}

/** Settle `promise` into data; the clients of both generations can leave one pending for ever. */
async function outcome(start) {
  const from = performance.now();
  let timer;
  const silence = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ error: { kind: "no-answer", message: "no answer" } }), NO_ANSWER_MS);
  });
  const answer = (async () => {
    try {
      return { value: plain(await start()) };
    } catch (reason) {
      return { error: fault(reason) };
    }
  })();
  const settled = await Promise.race([answer, silence]);
  clearTimeout(timer);
  return { ...settled, ms: performance.now() - from };
}

/** Put the driver on the window. `names`: the callbacks to record. */
export function expose({ names, make, extra = {} }) {
  const events = [];
  const waiters = new Set();
  let client = null;

  const record = (name, args) => {
    events.push({ name, at: performance.now(), data: plain(args[0]) });
    for (const waiter of waiters) waiter();
  };
  const callbacks = Object.fromEntries(names.map((name) => [name, (...args) => record(name, args)]));

  const call = (method, args) => outcome(() => (extra[method] ? extra[method](client, record, ...args) : client[method](...args)));

  window.rtvi = {
    events,
    open: (options) => {
      client = make(options, callbacks);
    },
    state: () => client.state,
    call,
    callAll: (calls) => Promise.all(calls.map(([method, args]) => call(method, args))),
    event: (name, having, after, ms) =>
      new Promise((resolve) => {
        const look = () => {
          const fits = (event) => event.name === name && JSON.stringify(event.data).includes(having);
          const found = events.slice(after).find(fits);
          if (found) finish(found);
        };
        const finish = (found) => {
          clearTimeout(timer);
          waiters.delete(look);
          resolve(found);
        };
        const timer = setTimeout(() => finish(null), ms);
        waiters.add(look);
        look();
      }),
  };
}

import { useCallback, useMemo, useState } from "react";
import { begun } from "../forms/begun";
import { drawable } from "../forms/drawable";
import { faultsOf } from "../forms/faults";
import { SchemaForm } from "../forms/schema_form";
import { takesNothing } from "../forms/summary";
import { hrefTo } from "../parts/route";
import { useIsReady, useSession } from "../parts/session_context";
import type { JsonObject } from "../rtvi/json";
import { isObject, pointerSteps } from "../rtvi/json";
import { useStore } from "../rtvi/store";
import { Facts } from "./call_facts";
import { CallHistory } from "./call_history";
import { CallList, UnknownCallable } from "./call_list";
import { type Callable, callablesOf } from "./callables";
import { NotDescribed } from "./not_described";

/** One form for each action and declared message. */
export function CallView({ item }: { item: string }) {
  const session = useSession();
  const description = useStore(session.description);
  const isDescribed = useStore(session.isDescribed);
  const callables = useMemo(() => callablesOf(description), [description]);
  const chosen = item ? callables.find((one) => one.name === item) : callables[0];
  const [drafts, setDrafts] = useState<{ [name: string]: JsonObject }>({});
  return (
    <div className="call">
      <div className="view-head">
        <h1>Call</h1>
      </div>
      {callables.length === 0 && isDescribed && !item && (
        <p className="empty">This bot has no actions and no messages.</p>
      )}
      {!isDescribed && <NotDescribed />}
      {isDescribed && (callables.length > 0 || item) && (
        <div className="call-columns">
          {callables.length > 0 && <CallList callables={callables} chosen={chosen} />}
          <div className="call-main">
            {chosen ? (
              <CallForm
                key={chosen.name}
                callable={chosen}
                draft={drafts[chosen.name]}
                onChange={(draft) => setDrafts((all) => ({ ...all, [chosen.name]: draft }))}
              />
            ) : (
              <UnknownCallable name={item} callables={callables} />
            )}
            <CallHistory
              callables={callables}
              onEdit={(name, given) => {
                setDrafts((all) => ({ ...all, [name]: given }));
                window.location.hash = hrefTo("call", name);
              }}
            />
          </div>
        </div>
      )}
    </div>
  );
}

interface FormProps {
  callable: Callable;
  draft: JsonObject | undefined;
  onChange: (draft: JsonObject) => void;
}

function CallForm({ callable, draft, onChange }: FormProps) {
  const session = useSession();
  const isReady = useIsReady();
  const history = useStore(session.calls.history);
  const { schema: original, whole } = callable;
  const schema = useMemo(() => {
    const drawn = drawable(original, whole ? "#/$defs/whole" : "#");
    return whole ? { type: "object", properties: { [whole]: drawn }, $defs: { whole: drawn } } : drawn;
  }, [original, whole]);
  const judge = useCallback(
    (value: unknown) => {
      if (!whole) return faultsOf(original, value);
      const inner = isObject(value) ? value[whole] : undefined;
      return faultsOf(original, inner ?? null).map((fault) => ({ ...fault, path: [whole, ...fault.path] }));
    },
    [original, whole],
  );
  const [start] = useState(() => draft ?? begun(schema));
  const [isAttempted, setAttempted] = useState(false);
  const value = draft ?? start;
  const last = history.findLast((call) => call.name === callable.name);
  const told = useMemo(() => botFaults(last?.error?.details, whole), [last?.error, whole]);
  const run = (given: JsonObject) => {
    setAttempted(false);
    void session.calls.run(callable.name, callable.name, whole ? (given[whole] ?? null) : given, given);
  };
  const isEmpty = !whole && takesNothing(original);
  return (
    <section className="card" id={callable.name} aria-labelledby="callable">
      <header className="card-head">
        <h2 id="callable">
          <code>{callable.name}</code>
        </h2>
        {callable.description && <p className="muted">{callable.description}</p>}
      </header>
      <Facts callable={callable} />
      {isEmpty && <p className="muted form-none">It takes no arguments.</p>}
      <SchemaForm
        id={`call-${callable.name}`}
        schema={schema}
        judge={judge}
        value={value}
        faults={told}
        whole={whole}
        tellsMissing={isAttempted}
        onChange={onChange}
        onSubmit={run}
        onFaulty={() => setAttempted(true)}
      >
        <div className="form-actions">
          <button type="submit" className="primary" disabled={!isReady}>
            {callable.kind === "job" ? "Start" : callable.kind === "message" ? "Send" : "Call"}
          </button>
          {!isEmpty && (
            <button type="button" className="plain" onClick={() => onChange(begun(schema))}>
              Reset
            </button>
          )}
          {last?.state === "running" && <span className="muted">Running</span>}
        </div>
      </SchemaForm>
    </section>
  );
}

/** What the bot found wrong with the last call: pointers into the arguments. */
function botFaults(details: unknown, whole: string | undefined): { path: string[]; text: string }[] {
  if (!Array.isArray(details)) return [];
  return details.flatMap((detail) =>
    isObject(detail) && typeof detail.pointer === "string" && typeof detail.text === "string"
      ? [{ path: [...(whole ? [whole] : []), ...pointerSteps(detail.pointer)], text: detail.text }]
      : [],
  );
}

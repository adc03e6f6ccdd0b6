import { CopyButton } from "../parts/copy_button";
import { AgainIcon } from "../parts/icons";
import { Result } from "../parts/result";
import { hrefTo } from "../parts/route";
import { useIsReady, useSession } from "../parts/session_context";
import { duration, timeOfDay } from "../parts/time";
import { shellAddress } from "../rtvi/addresses";
import type { Call } from "../rtvi/calls";
import type { JsonObject } from "../rtvi/json";
import { isObject, short } from "../rtvi/json";
import { asJavaScript, asShell } from "../rtvi/snippets";
import { useStore } from "../rtvi/store";
import type { Callable } from "./callables";

interface Props {
  callables: Callable[];
  onEdit: (name: string, given: JsonObject) => void;
}

/** What was called in this page, newest first. */
export function CallHistory({ callables, onEdit }: Props) {
  const { calls } = useSession();
  const history = useStore(calls.history);
  return (
    <section className="history" aria-labelledby="history">
      <div className="section-head">
        <h2 id="history">History</h2>
        <button type="button" className="quiet" disabled={history.length === 0} onClick={() => calls.clear()}>
          Clear
        </button>
      </div>
      {history.length === 0 && (
        <p className="empty">What you call stands here, with its result and the time it took.</p>
      )}
      <ol className="plain-list">
        {history.toReversed().map((call, index) => (
          <li key={call.number}>
            <CallEntry
              call={call}
              callable={callables.find((one) => one.name === call.name)}
              isOpen={index === 0}
              onEdit={onEdit}
            />
          </li>
        ))}
      </ol>
    </section>
  );
}

interface EntryProps {
  call: Call;
  callable: Callable | undefined;
  isOpen: boolean;
  onEdit: Props["onEdit"];
}

function CallEntry({ call, callable, isOpen, onEdit }: EntryProps) {
  const session = useSession();
  const isReady = useIsReady();
  const whole = callable?.whole;
  const d = whole ? (call.arguments[whole] ?? null) : call.arguments;
  const jobId = isObject(call.result) && callable?.kind === "job" ? call.result.job_id : undefined;
  return (
    <article className={`entry is-${call.state}`}>
      <header>
        <code className="entry-name">{call.name}</code>
        <span className="entry-arguments">{Object.keys(call.arguments).length > 0 && short(d, 60)}</span>
        <span className="entry-when">
          {call.state === "running" ? "running" : duration(call.took ?? 0)}
          <time dateTime={new Date(call.at).toISOString()}>{timeOfDay(call.at)}</time>
        </span>
      </header>
      {call.error && (
        <p className="fault" role={isOpen ? "alert" : undefined}>
          {call.error.text} {call.error.code && <code>{call.error.code}</code>}
        </p>
      )}
      {call.state === "done" && (
        <details open={isOpen}>
          <summary>Result</summary>
          {typeof jobId === "string" ? (
            <p>
              Job started. <a href={hrefTo("jobs", jobId)}>Follow it</a>
            </p>
          ) : (
            <Result value={call.result} />
          )}
        </details>
      )}
      <div className="entry-actions">
        <button
          type="button"
          className="quiet"
          disabled={!isReady}
          onClick={() => void session.calls.run(call.name, call.name, d, call.arguments)}
        >
          <AgainIcon /> Run again
        </button>
        <button type="button" className="quiet" onClick={() => onEdit(call.name, call.arguments)}>
          Edit
        </button>
        {isObject(d) && (
          <CopyButton
            text={asShell(shellAddress(session.folder), call.name, d, session.connection.startData)}
            label="Copy rtvi call"
          />
        )}
        <CopyButton text={asJavaScript(call.name, d)} label="Copy JavaScript" />
        {call.state === "done" && <CopyButton text={JSON.stringify(call.result, null, 2)} label="Copy result" />}
      </div>
    </article>
  );
}

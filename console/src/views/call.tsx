import { useCallback, useMemo, useState } from "react";
import { begun } from "../forms/begun";
import { drawable } from "../forms/drawable";
import { faultsOf } from "../forms/faults";
import { SchemaForm } from "../forms/schema_form";
import { hrefTo } from "../parts/route";
import { useIsReady, useSession } from "../parts/session_context";
import { type Action, argumentsSchema, type Description, type Message } from "../rtvi/description";
import type { JsonObject, Schema } from "../rtvi/json";
import { isObject, pointerSteps } from "../rtvi/json";
import { useStore } from "../rtvi/store";
import { CallHistory } from "./call_history";

/** Something that can be called: an action, or a declared message. */
export interface Callable {
  name: string;
  service: string;
  description: string;
  kind: "action" | "job" | "message";
  schema: Schema;
  /** The name under which the form has the whole value, where that is no object of arguments. */
  whole?: string;
}

export function callablesOf(description: Description): Callable[] {
  return [...description.actions.map(ofAction), ...description.messages.map(ofMessage)];
}

function ofAction(action: Action): Callable {
  return {
    name: `${action.service}.${action.action}`,
    service: action.service,
    description: action.description ?? "",
    kind: action.job ? "job" : "action",
    schema: argumentsSchema(action),
  };
}

function ofMessage(message: Message): Callable {
  const { name, description = "", data } = message;
  return { name, service: "messages", description, kind: "message", schema: data, whole: "data" };
}

/** One form for each action and declared message. */
export function CallView({ item }: { item: string }) {
  const session = useSession();
  const description = useStore(session.description);
  const isDescribed = useStore(session.isDescribed);
  const callables = useMemo(() => callablesOf(description), [description]);
  const chosen = callables.find((one) => one.name === item) ?? callables[0];
  const [drafts, setDrafts] = useState<{ [name: string]: JsonObject }>({});
  const services = [...new Set(callables.map((one) => one.service))];
  return (
    <div className="call">
      <div className="view-head">
        <h1>Call</h1>
      </div>
      {!chosen && (
        <p className="empty">
          {isDescribed ? "This bot has no actions and no messages." : "Waiting for the bot to describe itself."}
        </p>
      )}
      {chosen && (
        <div className="call-columns">
          <nav className="call-list" aria-label="actions">
            {services.map((service) => (
              <div key={service}>
                <h2>{service}</h2>
                <ul>
                  {callables
                    .filter((one) => one.service === service)
                    .map((one) => (
                      <li key={one.name}>
                        <a href={hrefTo("call", one.name)} aria-current={one === chosen ? "true" : undefined}>
                          {one.kind === "message" ? one.name : one.name.slice(service.length + 1)}
                          {one.kind === "job" && <span className="badge">job</span>}
                        </a>
                      </li>
                    ))}
                </ul>
              </div>
            ))}
          </nav>
          <div className="call-main">
            <CallForm
              key={chosen.name}
              callable={chosen}
              draft={drafts[chosen.name]}
              onChange={(draft) => setDrafts((all) => ({ ...all, [chosen.name]: draft }))}
            />
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
  const isEmpty = isObject(schema.properties) && Object.keys(schema.properties).length === 0;
  return (
    <section className="card" id={callable.name} aria-labelledby="callable">
      <header className="card-head">
        <h2 id="callable">
          <code>{callable.name}</code>
        </h2>
        {callable.description && <p className="muted">{callable.description}</p>}
      </header>
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
          <button type="button" className="plain" onClick={() => onChange(begun(schema))}>
            Reset
          </button>
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

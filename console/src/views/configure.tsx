import { useCallback, useMemo, useState } from "react";
import type { FieldFacts } from "../forms/context";
import { gathered } from "../forms/drawable";
import { type Fault, faultsOf } from "../forms/faults";
import { SchemaForm } from "../forms/schema_form";
import { MISSING } from "../forms/wording";
import { useIsReady, useSession } from "../parts/session_context";
import { timeOfDay } from "../parts/time";
import type { Change, Outcome } from "../rtvi/configuration";
import { type Option, optionSchema, type Service } from "../rtvi/description";
import type { Json, JsonObject } from "../rtvi/json";
import { isObject, isSame, short } from "../rtvi/json";
import { useStore } from "../rtvi/store";

/** Service → option → what was typed; only what differs from the bot's values. */
type Drafts = { [service: string]: JsonObject };

/** All options of all services. What is changed is sent together, and taken together or not at all. */
export function ConfigureView({ drafts, setDrafts }: { drafts: Drafts; setDrafts: (drafts: Drafts) => void }) {
  const session = useSession();
  const { services } = useStore(session.description);
  const values = useStore(session.configuration.values);
  const outcome = useStore(session.configuration.outcome);
  const isApplying = useStore(session.configuration.isApplying);
  const isReady = useIsReady();
  const [interrupts, setInterrupts] = useState(false);
  // A form keeps the faults it has found; where values are taken back it begins anew.
  const [round, setRound] = useState(0);
  const begin = (next: Drafts) => {
    setDrafts(next);
    setRound(round + 1);
  };
  const shown = services.filter((service) => service.options.length > 0);
  const changes: Change[] = shown.flatMap((service) =>
    Object.entries(drafts[service.name] ?? {}).map(([option, value]) => ({ service: service.name, option, value })),
  );
  const faults = shown.flatMap((service) =>
    judge(service, drafts[service.name] ?? {}).map((fault) => `${service.name}.${fault.path.join(".")} ${fault.text}`),
  );
  const apply = async () => {
    if (await session.configuration.apply(changes, interrupts)) begin({});
  };
  if (shown.length === 0) return <Empty />;
  return (
    <div className="configure">
      <div className="view-head">
        <h1>Configure</h1>
        <div className="view-actions">
          <button
            type="button"
            className="quiet"
            disabled={!isReady}
            onClick={() => void session.configuration.fetch()}
          >
            Read again
          </button>
        </div>
      </div>
      <OutcomeView outcome={outcome} />
      <div className="cards">
        {shown.map((service) => (
          <ServiceCard
            key={`${service.name} ${round}`}
            service={service}
            values={values[service.name] ?? {}}
            draft={drafts[service.name] ?? {}}
            faults={outcome?.state === "refused" ? outcome.faults.filter((one) => one.service === service.name) : []}
            onChange={(draft) => {
              setDrafts({ ...drafts, [service.name]: draft });
              if (outcome) session.configuration.outcome.set(null);
            }}
            onReset={(draft) => begin({ ...drafts, [service.name]: draft })}
          />
        ))}
      </div>
      {changes.length > 0 && (
        <section className="apply-bar" aria-label="changes">
          <p>
            <strong>{changes.length === 1 ? "1 change" : `${changes.length} changes`}</strong>{" "}
            <span className="muted">{faults.length > 0 ? faults[0] : "applied together, or not at all"}</span>
          </p>
          <label className="check">
            <input type="checkbox" checked={interrupts} onChange={({ target }) => setInterrupts(target.checked)} />
            interrupt the bot first
          </label>
          <button type="button" className="plain" onClick={() => begin({})}>
            Discard
          </button>
          <button
            type="button"
            className="primary"
            disabled={!isReady || isApplying || faults.length > 0}
            onClick={() => void apply()}
          >
            {isApplying ? "Applying" : "Apply"}
          </button>
        </section>
      )}
    </div>
  );
}

function Empty() {
  const isDescribed = useStore(useSession().isDescribed);
  return (
    <>
      <div className="view-head">
        <h1>Configure</h1>
      </div>
      <p className="empty">{isDescribed ? "This bot has no options." : "Waiting for the bot to describe itself."}</p>
    </>
  );
}

/** What became of the last update. */
function OutcomeView({ outcome }: { outcome: Outcome | null }) {
  if (!outcome) return <div role="status" />;
  const names = outcome.changes.map((change) => `${change.service}.${change.option}`);
  if (outcome.state === "applied") {
    return (
      <div role="status" className="outcome is-good">
        <p>
          <strong>Applied</strong> at {timeOfDay(outcome.at)}: {names.join(", ")}
        </p>
      </div>
    );
  }
  return (
    <div role="alert" className="outcome is-bad">
      <p>
        <strong>Nothing was changed.</strong> {outcome.text}
      </p>
      <p className="muted">
        {names.length > 1 ? `All ${names.length} changes were taken back` : "The change was taken back"}; the bot has
        the values it had before. What you typed is still here.
      </p>
    </div>
  );
}

function judge(service: Service, draft: JsonObject): Fault[] {
  return service.options.flatMap((option) =>
    faultsOfOption(option, draft).map((fault) => ({ ...fault, path: [option.name, ...fault.path] })),
  );
}

function faultsOfOption(option: Option, draft: JsonObject): Fault[] {
  if (!(option.name in draft)) return [];
  const value = draft[option.name];
  return value === undefined
    ? [{ path: [], keyword: "required", text: MISSING }]
    : faultsOf(optionSchema(option), value);
}

interface CardProps {
  service: Service;
  values: JsonObject;
  draft: JsonObject;
  faults: { option: string; path: string[]; text: string }[];
  onChange: (draft: JsonObject) => void;
  /** An option was put back to what the bot has. */
  onReset: (draft: JsonObject) => void;
}

function ServiceCard({ service, values, draft, faults, onChange, onReset }: CardProps) {
  const schema = useMemo(() => withoutDefaults(service), [service]);
  const judgeDraft = useCallback(
    (value: unknown) => judge(service, changed(service, values, isObject(value) ? value : {})),
    [service, values],
  );
  const facts = useMemo(() => factsOf(service, values, draft, onReset), [service, values, draft, onReset]);
  const told = useMemo(() => faults.map((one) => ({ path: [one.option, ...one.path], text: one.text })), [faults]);
  const value = useMemo(() => ({ ...values, ...draft }), [values, draft]);
  return (
    <section className="card" aria-labelledby={`service-${service.name}`}>
      <header className="card-head">
        <h2 id={`service-${service.name}`}>{service.name}</h2>
        {service.description && <p className="muted">{service.description}</p>}
      </header>
      <SchemaForm
        id={`configure-${service.name}`}
        schema={schema}
        judge={judgeDraft}
        value={value}
        facts={facts}
        faults={told}
        keepsEmpty
        onChange={(next) => onChange(changed(service, values, next))}
      />
    </section>
  );
}

/**
 * Which options of a form differ from what the bot has. One that was emptied is there without a value, for it has to be given
 * one; a secret that is empty was left alone.
 */
function changed(service: Service, values: JsonObject, next: JsonObject): JsonObject {
  const draft: JsonObject = {};
  for (const option of service.options) {
    const { name, secret } = option;
    const value = next[name] as Json;
    if (!isWritable(option) || (value === undefined && secret)) continue;
    if (!isSame(value, values[name])) draft[name] = value;
  }
  return draft;
}

/** Defaults are the bot's business: the form shows the values it has. */
function withoutDefaults(service: Service): JsonObject {
  const whole = gathered(Object.fromEntries(service.options.map((option) => [option.name, optionSchema(option)])));
  const properties = isObject(whole.properties) ? whole.properties : {};
  for (const property of Object.values(properties)) {
    if (isObject(property)) delete property.default;
  }
  return { ...whole, properties };
}

function isWritable(option: Option): boolean {
  return option.client !== "read" && (option.mutable ?? "live") === "live";
}

function factsOf(
  service: Service,
  values: JsonObject,
  draft: JsonObject,
  onReset: (draft: JsonObject) => void,
): { [name: string]: FieldFacts } {
  return Object.fromEntries(
    service.options.map((option) => {
      const facts: FieldFacts = { anchor: `${service.name}.${option.name}` };
      if (option.mutable === "start") {
        facts.badge = "at start only";
        facts.why = "It can only be set before the bot is ready, by the one who starts it.";
      } else if (option.mutable === "never" || option.client === "read") {
        facts.badge = "read-only";
        facts.why = option.mutable === "never" ? "It is fixed by the manifest." : "Clients may read it, not set it.";
      } else if (option.secret) {
        facts.badge = "secret";
        facts.isSecret = option.type === "string";
      }
      if (option.name in draft) {
        facts.now = option.secret ? "a value that it does not show" : short(values[option.name] ?? "no value");
        facts.onReset = () => {
          const { [option.name]: _, ...rest } = draft;
          onReset(rest);
        };
      }
      return [option.name, facts];
    }),
  );
}

import { useCallback, useMemo } from "react";
import type { FieldFacts } from "../forms/context";
import { gathered } from "../forms/drawable";
import { type Fault, faultsOf } from "../forms/faults";
import { SchemaForm } from "../forms/schema_form";
import { MISSING } from "../forms/wording";
import { type Option, optionSchema, type Service } from "../rtvi/description";
import type { Json, JsonObject } from "../rtvi/json";
import { isObject, isSame, short } from "../rtvi/json";

export function judge(service: Service, draft: JsonObject): Fault[] {
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

export interface CardProps {
  service: Service;
  values: JsonObject;
  draft: JsonObject;
  faults: { option: string; path: string[]; text: string }[];
  /** Whether an option is among those looked for. */
  isFound: (service: Service, option: Option) => boolean;
  onChange: (draft: JsonObject) => void;
  /** An option was put back: to what the bot has, or to its default. `anchor`: the id of its row. */
  onReset: (draft: JsonObject, anchor: string) => void;
}

export function ServiceCard({ service, values, draft, faults, isFound, onChange, onReset }: CardProps) {
  const schema = useMemo(() => withoutDefaults(service), [service]);
  const judgeDraft = useCallback(
    (value: unknown) => judge(service, changed(service, values, isObject(value) ? value : {})),
    [service, values],
  );
  const facts = useMemo(
    () => factsOf(service, values, draft, isFound, onReset),
    [service, values, draft, isFound, onReset],
  );
  const told = useMemo(() => faults.map((one) => ({ path: [one.option, ...one.path], text: one.text })), [faults]);
  const value = useMemo(() => ({ ...values, ...draft }), [values, draft]);
  return (
    <section
      className="card"
      aria-labelledby={`service-${service.name}`}
      hidden={!service.options.some((option) => isFound(service, option))}
    >
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
  isFound: CardProps["isFound"],
  onReset: CardProps["onReset"],
): { [name: string]: FieldFacts } {
  return Object.fromEntries(
    service.options.map((option) => {
      const anchor = `${service.name}.${option.name}`;
      const facts: FieldFacts = { anchor, isFiltered: !isFound(service, option) };
      const { [option.name]: typed, ...rest } = draft;
      const current = option.name in draft ? typed : values[option.name];
      if (option.default !== undefined) {
        facts.fallback = option.default === "" ? "empty" : short(option.default);
        facts.isFallback = isSame(current, option.default);
      }
      if (option.default !== undefined && isWritable(option)) {
        const isOfBot = isSame(values[option.name], option.default);
        const next = isOfBot ? rest : { ...rest, [option.name]: option.default };
        facts.onFallback = () => onReset(next, anchor);
      }
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
        facts.onReset = () => onReset(rest, anchor);
      }
      return [option.name, facts];
    }),
  );
}

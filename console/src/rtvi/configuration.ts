import type { Json } from "./json";
import { isObject } from "./json";
import type { Refused } from "./refused";
import { Store } from "./store";

/** Service → option → value. */
export type Values = { [service: string]: { [option: string]: Json } };

/** One changed value. */
export interface Change {
  service: string;
  option: string;
  value: Json;
}

/** Something wrong with a new value. `path`: where in the value. */
export interface Fault {
  service: string;
  option: string;
  path: string[];
  text: string;
}

export type Outcome =
  | { state: "applied"; at: number; changes: Change[] }
  | { state: "refused"; at: number; changes: Change[]; text: string; faults: Fault[] };

type Request = (t: string, d: unknown) => Promise<unknown>;

/** The bot's current values, and changes of them: all or nothing. */
export class Configuration {
  readonly values = new Store<Values>({});
  readonly outcome = new Store<Outcome | null>(null);
  readonly isApplying = new Store(false);

  constructor(private readonly request: Request) {}

  async fetch(): Promise<void> {
    this.values.set(readConfig(await this.request("get-config", {})));
  }

  /** Change values. Gives whether they were taken; `outcome` says why not, and the values are those the bot has. */
  async apply(changes: Change[], interrupt: boolean): Promise<boolean> {
    this.isApplying.set(true);
    try {
      const answer = await this.request("update-config", { config: asConfig(changes), interrupt });
      this.values.set(readConfig(answer));
      this.outcome.set({ state: "applied", at: Date.now(), changes });
      return true;
    } catch (reason) {
      const { message, details } = reason as Refused;
      const told = readFaults(details, changes);
      const faults = told.length ? told : namedIn(message, changes);
      this.outcome.set({ state: "refused", at: Date.now(), changes, text: message, faults });
      await this.fetch().catch(() => {});
      return false;
    } finally {
      this.isApplying.set(false);
    }
  }

  /** The bot has changed values by itself. */
  changedByBot(config: unknown): void {
    const changed = readConfig({ config });
    this.values.update((values) => {
      const next = { ...values };
      for (const [service, options] of Object.entries(changed)) next[service] = { ...next[service], ...options };
      return next;
    });
  }
}

/** Group changes by service, in the order in which they were made. */
function asConfig(changes: Change[]): { service: string; options: { name: string; value: Json }[] }[] {
  const services = [...new Set(changes.map((change) => change.service))];
  return services.map((service) => ({
    service,
    options: changes
      .filter((change) => change.service === service)
      .map(({ option, value }) => ({ name: option, value })),
  }));
}

export function readConfig(data: unknown): Values {
  const values: Values = {};
  const config = isObject(data) ? data.config : undefined;
  if (!Array.isArray(config)) return values;
  for (const entry of config) {
    if (!isObject(entry) || typeof entry.service !== "string" || !Array.isArray(entry.options)) continue;
    const options: { [option: string]: Json } = {};
    for (const option of entry.options) {
      if (isObject(option) && typeof option.name === "string") options[option.name] = option.value ?? null;
    }
    values[entry.service] = options;
  }
  return values;
}

/** The option that a handler refused with details of its own: it is named where the text begins, as `service.option`. */
function namedIn(text: string, changes: Change[]): Fault[] {
  const match = /^Option ([\w-]+)\.([\w-]+) (?:was refused: )?(.*)$/s.exec(text);
  const change = match && changes.find((one) => one.service === match[1] && one.option === match[2]);
  return change ? [{ service: change.service, option: change.option, path: [], text: match[3] || "refused" }] : [];
}

/** Find the options that faults are about: their pointers lead into the message that was sent. */
function readFaults(details: unknown, changes: Change[]): Fault[] {
  if (!Array.isArray(details)) return [];
  const sent = asConfig(changes);
  const faults: Fault[] = [];
  for (const detail of details) {
    if (!isObject(detail) || typeof detail.pointer !== "string") continue;
    const match = /^\/config\/(\d+)\/options\/(\d+)(?:\/value)?(.*)$/.exec(detail.pointer);
    const entry = match && sent[Number(match[1])];
    const option = entry?.options[Number(match?.[2])];
    if (!match || !entry || !option) continue;
    const path = (match[3] ?? "").split("/").slice(1);
    faults.push({ service: entry.service, option: option.name, path, text: String(detail.text ?? "") });
  }
  return faults;
}

import type { Json, Schema } from "./json";
import { isObject } from "./json";

/** One option of a service, as `config-available` has it. */
export interface Option {
  name: string;
  type: string;
  schema?: Schema;
  description?: string;
  unit?: string;
  default?: Json;
  mutable?: "live" | "start" | "never";
  client?: "write" | "read";
  secret?: boolean;
}

export interface Service {
  name: string;
  description?: string;
  options: Option[];
}

export interface Argument {
  name: string;
  type: string;
  required?: boolean;
  description?: string;
  default?: Json;
}

/** One action, as `actions-available` has it. */
export interface Action {
  service: string;
  action: string;
  description?: string;
  arguments: Argument[];
  result?: string;
  schema?: Schema;
  result_schema?: Schema;
  job?: boolean;
  cancellable?: boolean;
  tool?: boolean;
  /** Seconds after which the bot gives up. */
  timeout?: number;
  concurrency?: "serial";
}

export interface Message {
  name: string;
  description?: string;
  data: Schema;
  result: Schema;
  /** Seconds after which the bot gives up. */
  timeout?: number;
}

export interface ClientFunction {
  name: string;
  description?: string;
  schema: Schema;
  result_schema: Schema;
  timeout?: number;
}

export interface Payload {
  name: string;
  description?: string;
  payload: Schema;
}

/** All that a bot tells of itself: the answer to `describe-bot`, or what can be put together without it. */
export interface Description {
  bot: string;
  description: string;
  services: Service[];
  actions: Action[];
  messages: Message[];
  functions: ClientFunction[];
  ui: { commands: Payload[]; events: Payload[] };
  /** Whether the bot answers text; undefined when it did not say. */
  answers_text?: boolean;
}

export const NOTHING_DESCRIBED: Description = {
  bot: "",
  description: "",
  services: [],
  actions: [],
  messages: [],
  functions: [],
  ui: { commands: [], events: [] },
};

export type Ask = (t: string, d?: unknown) => Promise<unknown>;

/** Ask the bot what it is: in one go where it knows how, else by the requests that RTVI has always had. */
export async function fetchDescription(ask: Ask): Promise<Description> {
  try {
    const told = await ask("describe-bot", {});
    if (isObject(told) && Array.isArray(told.services)) return { ...NOTHING_DESCRIBED, ...(told as object) };
  } catch {
    // Another host; what follows is older than this package.
  }
  const [services, actions] = await Promise.all([
    ask("describe-config", {}).then(listIn("config"), () => []),
    ask("describe-actions", {}).then(listIn("actions"), () => []),
  ]);
  return { ...NOTHING_DESCRIBED, services: services as Service[], actions: actions as Action[] };
}

function listIn(name: string): (data: unknown) => unknown[] {
  return (data) => (isObject(data) && Array.isArray(data[name]) ? data[name] : []);
}

/** The schema of an option, with its unit and description; older hosts only tell RTVI's type. */
export function optionSchema(option: Option): Schema {
  const schema = option.schema ?? typeSchema(option.type);
  if (!isObject(schema)) return schema;
  const notes = { description: option.description, "x-unit": option.unit };
  return { ...(JSON.parse(JSON.stringify(notes)) as object), ...schema };
}

/** The schema of an action's arguments, in one object. */
export function argumentsSchema(action: Action): Schema {
  if (action.schema !== undefined) return action.schema;
  const properties = Object.fromEntries(action.arguments.map((one) => [one.name, typeSchema(one.type)]));
  const required = action.arguments.filter((one) => one.required).map((one) => one.name);
  return { type: "object", properties, required, additionalProperties: false } as Schema;
}

export function typeSchema(type: string): Schema {
  if (type === "bool") return { type: "boolean" };
  return ["string", "number", "array", "object"].includes(type) ? { type } : {};
}

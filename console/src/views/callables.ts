import { type Action, argumentsSchema, type Description, type Message, typeSchema } from "../rtvi/description";
import type { Schema } from "../rtvi/json";

/** Something that can be called: an action, or a declared message. */
export interface Callable {
  name: string;
  service: string;
  description: string;
  kind: "action" | "job" | "message";
  schema: Schema;
  /** What comes back; undefined where the bot did not say. */
  result: Schema | undefined;
  /** Seconds after which the bot gives up. */
  timeout: number | undefined;
  /** Whether calls of a session wait for each other. */
  isSerial: boolean;
  isCancellable: boolean;
  /** Whether the bot's language model may call it too. */
  isTool: boolean;
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
    result: action.result_schema ?? (action.result ? typeSchema(action.result) : undefined),
    timeout: action.timeout,
    isSerial: action.concurrency === "serial",
    isCancellable: action.cancellable !== false,
    isTool: action.tool === true,
  };
}

function ofMessage(message: Message): Callable {
  const { name, description = "", data, result, timeout } = message;
  const rest = { result, timeout, isSerial: false, isCancellable: false, isTool: false };
  return { name, service: "messages", description, kind: "message", schema: data, whole: "data", ...rest };
}

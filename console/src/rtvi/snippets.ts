import type { Json, JsonObject } from "./json";

const BARE = /^[\w@%+=:,./-]+$/;

/** A word for a POSIX shell. */
function shellWord(text: string): string {
  return BARE.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Whether `rtvi call` reads `name=value` back as the same value: it takes text for text, and JSON for the rest. */
function isPlain(value: Json): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** The call as a line for a shell. `start`: what the session began with. */
export function asShell(address: string, name: string, given: JsonObject, start: JsonObject = {}): string {
  const entries = Object.entries(given);
  const plain = entries.filter(([, value]) => isPlain(value));
  const rest = Object.fromEntries(entries.filter(([, value]) => !isPlain(value)));
  const words = ["rtvi", "call", address, name, ...plain.map(([key, value]) => `${key}=${value}`)];
  for (const [key, value] of Object.entries(start)) {
    words.push("--start", `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  if (Object.keys(rest).length) words.push("--json-arguments", JSON.stringify(rest));
  return words.map(shellWord).join(" ");
}

/** The call as a line of JavaScript, for a page that has a `PipecatClient`. */
export function asJavaScript(t: string, d: unknown): string {
  const body = JSON.stringify(d, null, 2);
  return `const result = await client.sendClientRequest(${JSON.stringify(t)}, ${body});`;
}

import type { RTVIMessage } from "@pipecat-ai/client-js";
import type { Json } from "./json";
import { isObject } from "./json";
import { metricsWords } from "./metrics";
import { Store } from "./store";

export interface WireEntry {
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  direction: "sent" | "received";
  type: string;
  /** What the message is about: `t` of a client message, the command, the event, and so on. */
  topic: string;
  id: string;
  /** The message as JSON text, secrets taken out. */
  text: string;
}

const MOST_ENTRIES = 2_000;
const MOST_CHARACTERS = 8_000_000;

/** Every message in both directions, as many as memory should hold; older ones make room. */
export class WireLog {
  readonly entries = new Store<readonly WireEntry[]>([]);
  /** How many were forgotten to make room. */
  forgotten = 0;
  /** Whether a value of an option must not be kept. */
  isSecret: (service: string, option: string) => boolean = () => false;
  private number = 0;
  private characters = 0;
  private list: WireEntry[] = [];
  private isScheduled = false;

  record(direction: WireEntry["direction"], message: RTVIMessage): void {
    const text = JSON.stringify(direction === "sent" ? this.withoutSecrets(message) : message);
    this.number += 1;
    this.characters += text.length;
    this.list.push({
      number: this.number,
      at: Date.now(),
      direction,
      type: message.type,
      topic: message.type === "metrics" ? cut(metricsWords(message.data)) : topicOf(message.data),
      id: message.id ?? "",
      text,
    });
    while (this.list.length > MOST_ENTRIES || (this.characters > MOST_CHARACTERS && this.list.length > 1)) {
      this.characters -= this.list.shift()?.text.length ?? 0;
      this.forgotten += 1;
    }
    this.schedule();
  }

  clear(): void {
    this.list = [];
    this.characters = 0;
    this.forgotten = 0;
    this.entries.set([]);
  }

  /** A bot may send hundreds of messages a second; the page is drawn for all of them together. */
  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setTimeout(() => {
      this.isScheduled = false;
      this.entries.set(this.list.slice());
    }, 50);
  }

  private withoutSecrets(message: RTVIMessage): RTVIMessage {
    const data = message.data as Json;
    const config = isObject(data) && data.t === "update-config" && isObject(data.d) ? data.d.config : undefined;
    if (!isObject(data) || !isObject(data.d) || !Array.isArray(config)) return message;
    const shown = config.map((entry) => {
      if (!isObject(entry) || !Array.isArray(entry.options)) return entry;
      const options = entry.options.map((option) =>
        isObject(option) && this.isSecret(String(entry.service), String(option.name))
          ? { ...option, value: "(secret)" }
          : option,
      );
      return { ...entry, options };
    });
    return { ...message, data: { ...data, d: { ...data.d, config: shown } } } as RTVIMessage;
  }
}

function topicOf(data: unknown): string {
  if (!isObject(data)) return "";
  for (const name of ["t", "command", "event", "kind", "function_name", "text", "error", "content"]) {
    const found = data[name];
    if (typeof found === "string" && found) return cut(found);
  }
  return "";
}

function cut(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

/** The entries as JSON lines: one object for each, with time and direction around the message. */
export function asJsonLines(entries: readonly WireEntry[]): string {
  return entries
    .map((entry) => {
      const around = JSON.stringify({ at: new Date(entry.at).toISOString(), direction: entry.direction });
      return `${around.slice(0, -1)},"message":${entry.text}}\n`;
    })
    .join("");
}

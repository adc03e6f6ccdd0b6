import { isObject } from "./json";
import { appended, Store } from "./store";

/** Something that bot and page said to each other. */
export interface PageMessage {
  number: number;
  at: number;
  kind: "command" | "event" | "message";
  name: string;
  payload: unknown;
  /** What became of it. */
  effect: string;
  isRefused?: boolean;
}

export interface Toast {
  number: number;
  title: string;
  subtitle: string;
  description: string;
}

const MOST_MESSAGES = 300;
const TOAST_MS = 6_000;
const HIGHLIGHT_MS = 2_500;

/** UI commands as they arrive and what they did, UI events that were sent, and the bot's own server messages. */
export class PageMessages {
  readonly messages = new Store<readonly PageMessage[]>([]);
  readonly toasts = new Store<readonly Toast[]>([]);
  private number = 0;
  private readonly sent = new Map<string, number>();

  command(name: string, payload: unknown): void {
    this.add("command", name, payload, this.apply(name, payload));
  }

  serverMessage(data: unknown): void {
    const name = isObject(data) ? (data.type ?? data.event) : undefined;
    this.add("message", typeof name === "string" ? name : "server message", data, "shown");
  }

  event(name: string, payload: unknown, messageId: string): void {
    this.sent.set(messageId, this.add("event", name, payload, "sent"));
  }

  /** The bot refused an event. Gives whether the message was one. */
  refused(messageId: string, note: string): boolean {
    const number = this.sent.get(messageId);
    if (number === undefined) return false;
    this.messages.update((messages) =>
      messages.map((one) => (one.number === number ? { ...one, effect: note, isRefused: true } : one)),
    );
    return true;
  }

  dismiss(number: number): void {
    this.toasts.update((toasts) => toasts.filter((toast) => toast.number !== number));
  }

  clear(): void {
    this.messages.set([]);
  }

  private add(kind: PageMessage["kind"], name: string, payload: unknown, effect: string): number {
    const number = ++this.number;
    const message = { number, at: Date.now(), kind, name, payload, effect };
    this.messages.update((messages) => appended(messages, message, MOST_MESSAGES));
    return number;
  }

  /** Do what a standard command asks for, as far as it is harmless here; says what was done. */
  private apply(name: string, payload: unknown): string {
    const given = isObject(payload) ? payload : {};
    switch (name) {
      case "toast":
        this.toast(given);
        return "toast shown";
      case "highlight":
      case "scroll_to":
      case "focus":
        return this.point(name, given);
      case "navigate":
        return "noted; this page stays where it is";
      case "click":
      case "set_input_value":
      case "select_text":
        return "noted; a bot operates no controls here";
      default:
        return "shown";
    }
  }

  private toast(given: { [name: string]: unknown }): void {
    const text = (name: string) => (typeof given[name] === "string" ? given[name] : "");
    const number = ++this.number;
    const toast = { number, title: text("title"), subtitle: text("subtitle"), description: text("description") };
    this.toasts.update((toasts) => appended(toasts, toast, 5));
    const duration = typeof given.duration_ms === "number" && given.duration_ms > 0 ? given.duration_ms : TOAST_MS;
    setTimeout(() => this.dismiss(number), Math.min(duration, 60_000));
  }

  private point(name: string, given: { [name: string]: unknown }): string {
    const target = typeof given.target_id === "string" ? given.target_id : "";
    const element = target ? document.getElementById(target) : null;
    if (!element) return target ? "there is no such element on this page" : "noted; it names no element";
    element.scrollIntoView({ block: "center", behavior: "smooth" });
    if (name === "focus") element.focus();
    if (name === "highlight") {
      const duration = typeof given.duration_ms === "number" ? given.duration_ms : HIGHLIGHT_MS;
      element.classList.add("is-highlighted");
      setTimeout(() => element.classList.remove("is-highlighted"), Math.min(Math.max(duration, 300), 60_000));
    }
    return `${name === "highlight" ? "highlighted" : name === "focus" ? "focused" : "scrolled to"} ${target}`;
  }
}

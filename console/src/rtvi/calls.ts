import type { JsonObject } from "./json";
import { asRefused } from "./refused";
import { appended, Store } from "./store";

/** One call of an action, or one declared message that was sent. */
export interface Call {
  number: number;
  /** `service.action`, or the type of a message. */
  name: string;
  arguments: JsonObject;
  at: number;
  state: "running" | "done" | "failed";
  /** How long it took, in milliseconds. */
  took?: number;
  result?: unknown;
  error?: { text: string; code: string; details: unknown };
}

const MOST_CALLS = 200;

type Request = (t: string, d: unknown) => Promise<unknown>;

/** What was called, and what came of it. */
export class Calls {
  readonly history = new Store<readonly Call[]>([]);
  private number = 0;

  constructor(private readonly request: Request) {}

  /** Call and wait; what came of it is in the history. */
  async run(name: string, t: string, d: unknown, given: JsonObject): Promise<void> {
    const number = ++this.number;
    const call: Call = { number, name, arguments: given, at: Date.now(), state: "running" };
    this.history.update((calls) => appended(calls, call, MOST_CALLS));
    const began = performance.now();
    try {
      const result = await this.request(t, d);
      this.change(number, { state: "done", took: performance.now() - began, result: result ?? null });
    } catch (reason) {
      const { message, code, details } = asRefused(reason);
      const error = { text: message, code, details };
      this.change(number, { state: "failed", took: performance.now() - began, error });
    }
  }

  clear(): void {
    this.history.update((calls) => calls.filter((call) => call.state === "running"));
  }

  private change(number: number, change: Partial<Call>): void {
    this.history.update((calls) => calls.map((call) => (call.number === number ? { ...call, ...change } : call)));
  }
}

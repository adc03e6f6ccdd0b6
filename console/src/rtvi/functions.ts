import { appended, Store } from "./store";

/** One call of a client function that the bot waits for, or has waited for. */
export interface FunctionCall {
  id: string;
  name: string;
  arguments: unknown;
  at: number;
  state: "waiting" | "answered" | "over" | "refused";
  result?: unknown;
  isAutomatic?: boolean;
  note?: string;
}

const MOST_CALLS = 200;

/** The functions that the bot has this page execute. People answer them here, or say once what shall be answered. */
export class Functions {
  readonly calls = new Store<readonly FunctionCall[]>([]);
  /** Function → what is answered without asking. */
  readonly automatic = new Store<ReadonlyMap<string, unknown>>(new Map());
  private readonly results = new Map<string, string>();

  /** `send` delivers a result and gives the id of its message. */
  constructor(private readonly send: (call: FunctionCall, result: unknown) => string) {}

  begin(id: string, name: string, given: unknown): void {
    const call: FunctionCall = { id, name, arguments: given ?? {}, at: Date.now(), state: "waiting" };
    this.calls.update((calls) => appended(calls, call, MOST_CALLS));
    const automatic = this.automatic.get();
    if (automatic.has(name)) this.answer(id, automatic.get(name), true);
  }

  answer(id: string, result: unknown, isAutomatic = false): void {
    const call = this.calls.get().find((one) => one.id === id && one.state === "waiting");
    if (!call) return;
    this.results.set(this.send(call, result), id);
    this.change(id, (one) => ({ ...one, state: "answered", result, isAutomatic }));
  }

  /** The bot says that a call is over. */
  end(id: string, isCancelled: boolean): void {
    this.change(id, (call) =>
      call.state === "waiting" ? { ...call, state: "over", note: isCancelled ? "no longer wanted" : "over" } : call,
    );
  }

  /** The bot refused a result. Gives whether the message was one. */
  refused(messageId: string, note: string): boolean {
    const id = this.results.get(messageId);
    if (id === undefined) return false;
    this.change(id, (call) => ({ ...call, state: "refused", note }));
    return true;
  }

  setAutomatic(name: string, result: unknown): void {
    this.automatic.update((map) => new Map(map).set(name, result));
    for (const call of this.calls.get()) {
      if (call.name === name && call.state === "waiting") this.answer(call.id, result, true);
    }
  }

  setByHand(name: string): void {
    this.automatic.update((map) => new Map([...map].filter(([other]) => other !== name)));
  }

  lost(): void {
    this.results.clear();
    this.calls.update((calls) =>
      calls.map((call) =>
        call.state === "waiting" ? { ...call, state: "over", note: "the connection was lost" } : call,
      ),
    );
  }

  private change(id: string, change: (call: FunctionCall) => FunctionCall): void {
    this.calls.update((calls) => calls.map((call) => (call.id === id ? change(call) : call)));
  }
}

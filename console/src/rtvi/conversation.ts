import { appended, Store } from "./store";

/** One turn of the conversation. */
export interface Turn {
  id: number;
  at: number;
  who: "you" | "bot";
  text: string;
  state: "sent" | "speaking" | "done" | "interrupted" | "refused";
  /** Why it was refused. */
  note?: string;
  /** It came by voice. */
  isVoice?: boolean;
  /** How much of the text the bot has spoken aloud, in characters; undefined where it does not speak. */
  spoken?: number;
}

const MOST_TURNS = 1_000;
/** An interruption is told right after the end of what it ended. */
const TOGETHER_MS = 250;

/** What was said on both sides, over all connections of this page. */
export class Conversation {
  readonly turns = new Store<readonly Turn[]>([]);
  private next = 1;
  private endedAt = 0;
  private saidAt = 0;
  private interim: number | null = null;
  private isHeard = false;
  private readonly sent = new Map<string, number>();

  /** Note what was typed; `messageId` is that of its message. */
  said(text: string, messageId: string): void {
    this.saidAt = performance.now();
    this.sent.set(messageId, this.add({ who: "you", text, state: "sent" }));
  }

  /** The bot refused a message of ours. Gives whether it was a text of this conversation. */
  refused(messageId: string, note: string): boolean {
    const id = this.sent.get(messageId);
    if (id === undefined) return false;
    this.change(id, (turn) => ({ ...turn, state: "refused", note }));
    return true;
  }

  /** What the user says aloud, as it is understood so far. */
  heard(text: string, isFinal: boolean): void {
    if (this.interim === null) {
      this.interim = this.add({ who: "you", text, state: isFinal ? "done" : "speaking", isVoice: true });
    } else {
      this.change(this.interim, (turn) => ({ ...turn, text, state: isFinal ? "done" : "speaking" }));
    }
    if (isFinal) this.interim = null;
  }

  botStarted(): void {
    this.endSpeaking("done");
    this.add({ who: "bot", text: "", state: "speaking" });
  }

  botSaid(piece: string): void {
    const last = this.lastOfBot();
    if (last?.state === "speaking") this.change(last.id, (turn) => ({ ...turn, text: turn.text + piece }));
    else this.add({ who: "bot", text: piece, state: "speaking" });
  }

  botStopped(): void {
    this.endedAt = performance.now();
    this.endSpeaking("done");
  }

  /** The bot begins to be heard, or falls silent. */
  botIsHeard(isHeard: boolean): void {
    this.isHeard = isHeard;
    const last = this.lastOfBot();
    if (isHeard && last && last.state !== "interrupted") {
      this.change(last.id, (turn) => ({ spoken: 0, ...turn }));
    } else if (!isHeard) this.endedAt = performance.now();
  }

  /** A piece of text that the bot has spoken. */
  botSpoke(piece: string): void {
    const last = this.lastOfBot();
    if (last?.spoken === undefined || last.state === "interrupted") return;
    const at = last.text.indexOf(piece.trim(), last.spoken);
    if (at >= 0) this.change(last.id, (turn) => ({ ...turn, spoken: at + piece.trim().length }));
  }

  /** A finished sentence; said already where the bot streams its text, new where it only speaks. */
  botPutOut(text: string): void {
    const flat = (value: string) => value.replace(/\s+/g, "");
    const recent = this.turns
      .get()
      .slice(-4)
      .filter((turn) => turn.who === "bot");
    if (recent.some((turn) => flat(turn.text).includes(flat(text)))) return;
    const last = this.turns.get().at(-1);
    if (this.isHeard && last?.who === "bot" && last.isVoice) {
      this.change(last.id, (turn) => ({ ...turn, text: `${turn.text} ${text}` }));
    } else this.add({ who: "bot", text, state: "done", isVoice: true, ...(this.isHeard && { spoken: 0 }) });
  }

  botInterrupted(): void {
    const last = this.lastOfBot();
    // What had ended before we said something was not interrupted by it.
    const hasJustEnded = performance.now() - this.endedAt < TOGETHER_MS && this.saidAt <= this.endedAt;
    const isWhole = last?.spoken !== undefined && last.spoken >= last.text.trimEnd().length;
    if (last && !isWhole && (last.state === "speaking" || this.isHeard || hasJustEnded)) {
      this.change(last.id, (turn) => ({ ...turn, state: "interrupted" }));
    }
  }

  /** The connection has gone: nothing goes on. */
  lost(): void {
    this.endSpeaking("interrupted");
    this.interim = null;
    this.isHeard = false;
    this.sent.clear();
  }

  clear(): void {
    this.turns.set([]);
  }

  private endSpeaking(state: Turn["state"]): void {
    const isOpen = (turn: Turn) => turn.who === "bot" && turn.state === "speaking";
    if (!this.turns.get().some(isOpen)) return;
    this.turns.update((turns) =>
      turns
        .map((turn) => (isOpen(turn) ? { ...turn, state } : turn))
        .filter((turn) => turn.who === "you" || turn.text !== ""),
    );
  }

  private lastOfBot(): Turn | undefined {
    return this.turns.get().findLast((turn) => turn.who === "bot");
  }

  private add(turn: Omit<Turn, "id" | "at">): number {
    const id = this.next++;
    this.turns.update((turns) => appended(turns, { ...turn, id, at: Date.now() }, MOST_TURNS));
    return id;
  }

  private change(id: number, change: (turn: Turn) => Turn): void {
    this.turns.update((turns) => turns.map((turn) => (turn.id === id ? change(turn) : turn)));
  }
}

/** The conversation as text, to keep. */
export function asTranscript(turns: readonly Turn[], bot: string): string {
  return turns
    .map((turn) => {
      const who = turn.who === "you" ? "you" : bot || "bot";
      const mark =
        turn.state === "interrupted" ? " (interrupted)" : turn.state === "refused" ? ` (refused: ${turn.note})` : "";
      return `${new Date(turn.at).toISOString()}  ${who}: ${turn.text}${mark}\n`;
    })
    .join("");
}

import { isObject } from "./json";
import { Store } from "./store";

/** The latest that one processor of the pipeline told about one model. Times are in seconds. */
export interface Measured {
  /** Empty where that was not told, as with tokens. */
  processor: string;
  model: string;
  /** When the last of it came, in milliseconds since 1970. */
  at: number;
  /** Name of a column → what stands in it. */
  values: { [column: string]: number };
}

/** Processors beyond these are not kept: the one that was silent longest makes room. */
const MOST_ROWS = 50;

/** The columns that hold times, in seconds. */
const TIMES: ReadonlySet<string> = new Set([
  "ttfb",
  "processing",
  "ttfa",
  "leading_silence",
  "ttfat",
  "thinking_time",
  "audio_seconds",
]);

/** Every column, with what stands above it and what that means. */
export const COLUMNS: { [column: string]: { name: string; meaning: string } } = {
  ttfb: { name: "TTFB", meaning: "time to the first byte" },
  processing: { name: "Processing", meaning: "time of the whole processing" },
  ttfa: { name: "TTFA", meaning: "time to the first sound that is heard" },
  leading_silence: { name: "Silence first", meaning: "silence before the first sound that is heard" },
  ttfat: { name: "TTFAT", meaning: "time to the first token of the answer" },
  thinking_time: { name: "Thinking", meaning: "time between the first output and the first token of the answer" },
  characters: { name: "Characters", meaning: "characters that were spoken" },
  prompt_tokens: { name: "Tokens in", meaning: "tokens of the prompt" },
  completion_tokens: { name: "Tokens out", meaning: "tokens of the answer" },
  reasoning_tokens: { name: "Reasoning", meaning: "tokens of the answer that went into reasoning" },
  cache_read_input_tokens: { name: "Cached", meaning: "tokens of the prompt that came from a cache" },
  audio_seconds: { name: "Heard", meaning: "sound that was made into text" },
  total_tokens: { name: "Tokens", meaning: "tokens of prompt and answer" },
};

/** What the pipeline told of itself in `metrics` messages: for each processor the latest of each kind. */
export class Metrics {
  readonly rows = new Store<readonly Measured[]>([]);

  report(data: unknown): void {
    const found = readMetrics(data);
    if (found.length === 0) return;
    const rows = new Map(this.rows.get().map((row) => [keyOf(row), row]));
    for (const row of found) {
      const before = rows.get(keyOf(row));
      rows.delete(keyOf(row));
      rows.set(keyOf(row), { ...row, values: { ...before?.values, ...row.values } });
    }
    this.rows.set([...rows.values()].slice(-MOST_ROWS));
  }

  clear(): void {
    this.rows.set([]);
  }
}

function keyOf({ processor, model }: Measured): string {
  return JSON.stringify([processor, model]);
}

/** The entries of a message, whatever is in it: kinds and fields that are not known are passed over. */
export function readMetrics(data: unknown): Measured[] {
  if (!isObject(data)) return [];
  const at = Date.now();
  const found: Measured[] = [];
  for (const [kind, given] of Object.entries(data)) {
    for (const entry of Array.isArray(given) ? given : [given]) {
      if (!isObject(entry)) continue;
      const values: { [column: string]: number } = {};
      const take = (column: string, value: unknown) => {
        if (Object.hasOwn(COLUMNS, column) && typeof value === "number" && Number.isFinite(value))
          values[column] = value;
      };
      // Most entries hold a `value` of the kind they stand under; those of tokens, and newer ones, name what they hold.
      if (kind !== "tokens") take(kind, entry.value);
      for (const [name, value] of Object.entries(entry)) take(name, value);
      if (isObject(entry.value)) for (const [name, value] of Object.entries(entry.value)) take(name, value);
      if (Object.keys(values).length === 0) continue;
      const text = (value: unknown) => (typeof value === "string" ? value : "");
      found.push({ processor: text(entry.processor), model: text(entry.model), at, values });
    }
  }
  return found;
}

/** The entries in a few words, for the log. */
export function metricsWords(data: unknown): string {
  return readMetrics(data)
    .map(({ processor, values }) => {
      const told = Object.entries(values).map(([column, value]) => `${column} ${cellText(column, value)}`);
      return `${processor} ${told.join(", ")}`.trim();
    })
    .join("; ");
}

/** A value as it stands in its column. */
export function cellText(column: string, value: number): string {
  if (!TIMES.has(column)) return String(value);
  return value < 1 ? `${Number((value * 1_000).toPrecision(3))} ms` : `${Number(value.toPrecision(3))} s`;
}

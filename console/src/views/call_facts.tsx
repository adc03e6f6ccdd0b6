import type { ReactNode } from "react";
import { kindWords } from "../forms/summary";
import { JsonTree } from "../parts/json_tree";
import { limit } from "../parts/time";
import type { Schema } from "../rtvi/json";
import { isObject } from "../rtvi/json";
import type { Callable } from "./callables";

/** What one should know before one calls. */
export function Facts({ callable }: { callable: Callable }) {
  const { kind, result, timeout, isCancellable, isSerial, isTool } = callable;
  const notes = [
    kind === "job" && (isCancellable ? "as a job, which can be cancelled" : "as a job, which cannot be cancelled"),
    isSerial && "one call at a time, others wait",
    isTool && "also when the bot itself calls it",
  ].filter((note) => note !== false);
  const rows: [string, ReactNode][] = [];
  if (result !== undefined) rows.push(["Result", <ResultKind key="result" schema={result} />]);
  if (timeout !== undefined) rows.push(["Time limit", limit(timeout)]);
  if (notes.length > 0) rows.push(["Runs", notes.join("; ")]);
  if (rows.length === 0) return null;
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Few words, and behind them the whole schema where it says more. */
function ResultKind({ schema }: { schema: Schema }) {
  const words = kindWords(schema);
  const says = isObject(schema) && Object.keys(schema).some((key) => key !== "type" && key !== "description");
  const text = isObject(schema) && typeof schema.description === "string" ? schema.description : "";
  return (
    <>
      {words}
      {text && <span className="muted"> · {text}</span>}
      {says && (
        <details>
          <summary>Schema</summary>
          <JsonTree value={schema} depth={3} />
        </details>
      )}
    </>
  );
}

import { useMemo, useState } from "react";
import { SaveIcon } from "../parts/icons";
import { JsonTree } from "../parts/json_tree";
import { fileName, saveFile } from "../parts/saving";
import { useSession } from "../parts/session_context";
import { timeOfDay } from "../parts/time";
import { useStore } from "../rtvi/store";
import { asJsonLines, type WireEntry } from "../rtvi/wire_log";
import { MetricsTable } from "./metrics";

/** Rows that are drawn; the log itself keeps more. */
const MOST_ROWS = 300;

type Direction = "both" | WireEntry["direction"];

/** Every message in both directions. */
export function WireView() {
  const { wire, metrics, description } = useSession();
  const live = useStore(wire.entries);
  const { bot } = useStore(description);
  const [paused, setPaused] = useState<readonly WireEntry[] | null>(null);
  const [text, setText] = useState("");
  const [direction, setDirection] = useState<Direction>("both");
  const entries = paused ?? live;
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return entries.filter(
      (entry) =>
        (direction === "both" || entry.direction === direction) &&
        (!wanted || `${entry.type} ${entry.text}`.toLowerCase().includes(wanted)),
    );
  }, [entries, text, direction]);
  const missed = paused ? (live.at(-1)?.number ?? 0) - (paused.at(-1)?.number ?? 0) : 0;
  return (
    <div className="wire">
      <div className="view-head">
        <h1>Wire</h1>
        <div className="view-actions">
          <button
            type="button"
            className="plain"
            aria-pressed={paused !== null}
            onClick={() => setPaused(paused ? null : live)}
          >
            {paused ? `Paused${missed > 0 ? `, ${missed} new` : ""}` : "Pause"}
          </button>
          <button
            type="button"
            className="quiet"
            disabled={found.length === 0}
            onClick={() => saveFile(fileName(bot, "wire", "jsonl"), asJsonLines(found), "application/x-ndjson")}
          >
            <SaveIcon /> Export
          </button>
          <button
            type="button"
            className="quiet"
            onClick={() => {
              wire.clear();
              metrics.clear();
              setPaused(null);
            }}
          >
            Clear
          </button>
        </div>
      </div>
      <MetricsTable />
      <div className="wire-filter">
        <label className="visually-hidden" htmlFor="wire-filter">
          Filter
        </label>
        <input
          id="wire-filter"
          className="control"
          type="search"
          placeholder="Filter by type or content"
          autoComplete="off"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
        <label className="visually-hidden" htmlFor="wire-direction">
          Direction
        </label>
        <select
          id="wire-direction"
          className="control"
          value={direction}
          onChange={({ target }) => setDirection(target.value as Direction)}
        >
          <option value="both">both directions</option>
          <option value="sent">sent</option>
          <option value="received">received</option>
        </select>
        <p className="muted wire-count" role="status">
          {found.length === 1 ? "1 message" : `${found.length} messages`}
          {found.length > MOST_ROWS && `, the last ${MOST_ROWS} shown`}
          {wire.forgotten > 0 && `, ${wire.forgotten} older forgotten`}
        </p>
      </div>
      {found.length === 0 && <p className="empty">No messages.</p>}
      <ol className="wire-rows">
        {found
          .slice(-MOST_ROWS)
          .toReversed()
          .map((entry) => (
            <li key={entry.number}>
              <WireRow entry={entry} />
            </li>
          ))}
      </ol>
    </div>
  );
}

function WireRow({ entry }: { entry: WireEntry }) {
  const [isOpen, setOpen] = useState(false);
  const isSent = entry.direction === "sent";
  return (
    <details className={`wire-row is-${entry.direction}`} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <time dateTime={new Date(entry.at).toISOString()}>{timeOfDay(entry.at, true)}</time>
        <span className="wire-arrow" aria-hidden="true">
          {isSent ? "→" : "←"}
        </span>
        <span className="visually-hidden">{entry.direction}</span>
        <span className={`wire-type${entry.type.includes("error") ? " is-bad" : ""}`}>{entry.type}</span>
        <span className="wire-topic">{entry.topic}</span>
        <span className="wire-size">
          {entry.text.length < 1000 ? `${entry.text.length} B` : `${(entry.text.length / 1000).toFixed(1)} kB`}
        </span>
      </summary>
      {isOpen && <JsonTree value={JSON.parse(entry.text)} depth={4} />}
    </details>
  );
}

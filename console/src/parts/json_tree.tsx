import { isObject, short } from "../rtvi/json";

const MOST_ENTRIES = 200;

/** A JSON value that can be unfolded. `depth`: how many levels are open at first. */
export function JsonTree({ value, depth = 2, name }: { value: unknown; depth?: number; name?: string }) {
  const label = name === undefined ? null : <span className="json-name">{name}: </span>;
  if (!Array.isArray(value) && !isObject(value)) {
    return (
      <div className="json-leaf">
        {label}
        <span className={`json-${value === null ? "null" : typeof value}`}>{JSON.stringify(value) ?? "nothing"}</span>
      </div>
    );
  }
  const entries = Object.entries(value);
  const brackets = Array.isArray(value) ? "[]" : "{}";
  if (entries.length === 0) {
    return (
      <div className="json-leaf">
        {label}
        {brackets}
      </div>
    );
  }
  return (
    <details className="json" open={depth > 0}>
      <summary>
        {label}
        <span className="json-short">{short(value, 60)}</span>
        <span className="json-kind">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      <div className="json-entries">
        {entries.slice(0, MOST_ENTRIES).map(([key, one]) => (
          <JsonTree key={key} name={key} value={one} depth={depth - 1} />
        ))}
        {entries.length > MOST_ENTRIES && <div className="json-leaf muted">{entries.length - MOST_ENTRIES} more</div>}
      </div>
    </details>
  );
}

import { type RefObject, useId } from "react";

/** Lists with more entries than this have a filter. */
export const LONG_LIST = 8;

/** Whether every word that was typed stands in one of the texts; capitals do not count. */
export function matches(typed: string, ...texts: (string | undefined)[]): boolean {
  const all = texts.join("\n").toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

interface Props {
  /** What the list holds, such as `actions`. */
  what: string;
  value: string;
  onChange: (value: string) => void;
  found: number;
  total: number;
  /** What holds the entries, to which the keyboard leads: Enter follows the first, ↓ goes to it. */
  list: RefObject<HTMLElement | null>;
  /** What is gone to in the list. */
  entries: string;
}

/** A field that shortens the list below it, and says how much of it is left. */
export function ListFilter({ what, value, onChange, found, total, list, entries }: Props) {
  const id = useId();
  const first = () => list.current?.querySelector<HTMLElement>(entries);
  return (
    <search className="list-filter">
      <input
        id={id}
        className="control"
        type="search"
        aria-label={`Filter ${what}`}
        aria-describedby={`${id}-found`}
        placeholder={`Filter ${what}`}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && value) {
            event.preventDefault();
            onChange("");
          } else if (event.key === "ArrowDown") {
            event.preventDefault();
            first()?.focus();
          } else if (event.key === "Enter" && value.trim() && !event.nativeEvent.isComposing) {
            event.preventDefault();
            const entry = first();
            if (entry instanceof HTMLAnchorElement) entry.click();
            else entry?.focus();
          }
        }}
      />
      <p id={`${id}-found`} className="list-found" role="status">
        {value.trim() === ""
          ? ""
          : found === 0
            ? `Nothing of ${total} ${what} matches “${value.trim()}”.`
            : `${found} of ${total} ${what}`}
      </p>
      {value.trim() !== "" && found === 0 && (
        <button type="button" className="plain" onClick={() => onChange("")}>
          Show all {what}
        </button>
      )}
    </search>
  );
}

import { isObject, short } from "../rtvi/json";
import { JsonTree } from "./json_tree";

const MOST_ROWS = 200;
const MOST_COLUMNS = 12;

/** What a call gave, in the way that fits it: a table, a text, a value, or a tree. */
export function Result({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <p className="muted">No result.</p>;
  if (typeof value === "string") return <p className="result-text">{value}</p>;
  if (typeof value !== "object") return <p className="result-value">{String(value)}</p>;
  const columns = columnsOf(value);
  if (columns && Array.isArray(value)) return <ResultTable rows={value} columns={columns} />;
  return <JsonTree value={value} />;
}

function ResultTable({ rows, columns }: { rows: unknown[]; columns: string[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table has to be scrolled from the keyboard, too
    <section className="table" tabIndex={0} aria-label="result, a table">
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no names, and never move
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>{cell(isObject(row) ? row[column] : undefined)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && <p className="muted">{rows.length - MOST_ROWS} more rows</p>}
    </section>
  );
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "–";
  return typeof value === "string" ? value : short(value, 200);
}

/** The columns of a list of objects; undefined where a table would not suit. */
function columnsOf(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) return undefined;
  const names = [...new Set(value.flatMap((row) => Object.keys(row)))];
  return names.length > 0 && names.length <= MOST_COLUMNS ? names : undefined;
}

import { useSession } from "../parts/session_context";
import { timeOfDay } from "../parts/time";
import { COLUMNS, cellText } from "../rtvi/metrics";
import { useStore } from "../rtvi/store";

/** What the pipeline last told of each of its processors; nothing where it tells nothing. */
export function MetricsTable() {
  const rows = useStore(useSession().metrics.rows);
  if (rows.length === 0) return null;
  const columns = Object.entries(COLUMNS).filter(([column]) => rows.some((row) => row.values[column] !== undefined));
  const sorted = rows.toSorted((one, other) => one.processor.localeCompare(other.processor));
  const hasModels = rows.some((row) => row.model !== "");
  return (
    <details className="metrics" open>
      <summary>Metrics, the latest of each processor</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table has to be scrolled from the keyboard, too */}
      <section className="table" tabIndex={0} aria-label="metrics, a table">
        <table>
          <thead>
            <tr>
              <th scope="col">Processor</th>
              {hasModels && <th scope="col">Model</th>}
              {columns.map(([column, { name, meaning }]) => (
                <th key={column} scope="col" className="is-number" title={meaning}>
                  {name}
                </th>
              ))}
              <th scope="col">At</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <tr key={JSON.stringify([row.processor, row.model])}>
                <th scope="row">{row.processor || "not told"}</th>
                {hasModels && <td>{row.model || "–"}</td>}
                {columns.map(([column]) => {
                  const value = row.values[column];
                  return (
                    <td key={column} className="is-number">
                      {value === undefined ? "–" : cellText(column, value)}
                    </td>
                  );
                })}
                <td>
                  <time dateTime={new Date(row.at).toISOString()}>{timeOfDay(row.at)}</time>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

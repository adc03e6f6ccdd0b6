import type { ListedBot } from "./rtvi/addresses";

/** The bots of a server that has several: each has its own console. */
export function Bots({ bots }: { bots: ListedBot[] }) {
  return (
    <main className="bots">
      <h1>Bots</h1>
      <ul className="cards plain-list">
        {bots.map(({ bot, description }) => (
          <li key={bot}>
            <a className="card" href={`bots/${encodeURIComponent(bot)}/`}>
              <strong>{bot}</strong>
              {description && <span className="muted">{description}</span>}
            </a>
          </li>
        ))}
      </ul>
    </main>
  );
}

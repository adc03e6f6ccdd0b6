import { useEffect, useRef, useState } from "react";
import { ListFilter, LONG_LIST, matches } from "./parts/list_filter";
import type { ListedBot } from "./rtvi/addresses";

/** The bots of a server that has several: each has its own console. */
export function Bots({ bots }: { bots: ListedBot[] }) {
  const [typed, setTyped] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const found = bots.filter(({ bot, description }) => matches(typed, bot, description));
  useEffect(() => {
    document.title = "Bots · console";
  }, []);
  return (
    <main className="bots">
      <h1>Bots</h1>
      {bots.length > LONG_LIST && (
        <ListFilter
          what="bots"
          value={typed}
          onChange={setTyped}
          found={found.length}
          total={bots.length}
          list={list}
          entries="a"
        />
      )}
      <ul className="cards plain-list" ref={list}>
        {found.map(({ bot, description }) => (
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

import { hrefTo, NAMES, VIEWS } from "../parts/route";

/** Said of an address that leads to nothing here. */
export function UnknownView({ address }: { address: string }) {
  return (
    <div className="unknown">
      <div className="view-head">
        <h1>Nothing at this address</h1>
      </div>
      <section className="card" aria-label="what there is">
        <p>
          The console has no <code>#{address}</code>. It has:
        </p>
        <ul className="unknown-links">
          {VIEWS.map((view) => (
            <li key={view}>
              <a href={hrefTo(view)}>{NAMES[view]}</a>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

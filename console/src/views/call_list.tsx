import { useRef, useState } from "react";
import { ListFilter, LONG_LIST, matches } from "../parts/list_filter";
import { hrefTo } from "../parts/route";
import type { Callable } from "./callables";

/** All that can be called, by service. */
export function CallList({ callables, chosen }: { callables: Callable[]; chosen: Callable | undefined }) {
  const [typed, setTyped] = useState("");
  const list = useRef<HTMLElement>(null);
  const found = callables.filter((one) => matches(typed, one.service, one.name, one.description));
  const services = [...new Set(found.map((one) => one.service))];
  return (
    <nav className="call-list" aria-label="actions" ref={list}>
      {callables.length > LONG_LIST && (
        <ListFilter
          what="actions"
          value={typed}
          onChange={setTyped}
          found={found.length}
          total={callables.length}
          list={list}
          entries="a"
        />
      )}
      {services.map((service) => (
        <div key={service}>
          <h2>{service}</h2>
          <ul>
            {found
              .filter((one) => one.service === service)
              .map((one) => (
                <li key={one.name}>
                  <a href={hrefTo("call", one.name)} aria-current={one === chosen ? "true" : undefined}>
                    {shortName(one)}
                    {one.kind === "job" && <span className="badge">job</span>}
                  </a>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function shortName({ kind, name, service }: Callable): string {
  return kind === "message" ? name : name.slice(service.length + 1);
}

const MOST_LIKE_IT = 8;

/** Said where the address names an action that the bot does not have. */
export function UnknownCallable({ name, callables }: { name: string; callables: Callable[] }) {
  const service = name.split(".", 1)[0] ?? "";
  const ofService = callables.filter((one) => one.service === service);
  const last = name.split(".").pop() ?? "";
  const akin = last ? callables.filter((one) => matches(last, one.name)) : [];
  const like = [...new Set([...akin, ...ofService])].slice(0, MOST_LIKE_IT);
  return (
    <section className="card" aria-labelledby="unknown-callable">
      <h2 id="unknown-callable">
        This bot has no <code>{name}</code>
      </h2>
      <p className="muted">
        {ofService.length > 0
          ? `It has a service ${service}, which cannot do that.`
          : callables.length > 0
            ? "What it can do stands in the list."
            : "It has no actions and no messages."}
      </p>
      {like.length > 0 && (
        <ul className="unknown-links">
          {like.map((one) => (
            <li key={one.name}>
              <a href={hrefTo("call", one.name)}>
                <code>{one.name}</code>
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

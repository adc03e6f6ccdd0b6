import { useEffect, useRef, useState } from "react";
import { ListFilter, LONG_LIST, matches } from "../parts/list_filter";
import { useIsReady, useSession } from "../parts/session_context";
import { timeOfDay } from "../parts/time";
import type { Change, Outcome } from "../rtvi/configuration";
import type { Option, Service } from "../rtvi/description";
import type { JsonObject } from "../rtvi/json";
import { useStore } from "../rtvi/store";
import { NotDescribed } from "./not_described";
import { judge, ServiceCard } from "./service_card";

/** Service → option → what was typed; only what differs from the bot's values. */
type Drafts = { [service: string]: JsonObject };

/** All options of all services. What is changed is sent together, and taken together or not at all. */
export function ConfigureView({ drafts, setDrafts }: { drafts: Drafts; setDrafts: (drafts: Drafts) => void }) {
  const session = useSession();
  const { services } = useStore(session.description);
  const values = useStore(session.configuration.values);
  const outcome = useStore(session.configuration.outcome);
  const isApplying = useStore(session.configuration.isApplying);
  const isReady = useIsReady();
  const [interrupts, setInterrupts] = useState(false);
  // A form keeps the faults it has found; where values are taken back it begins anew.
  const [round, setRound] = useState(0);
  const begin = (next: Drafts) => {
    setDrafts(next);
    setRound(round + 1);
  };
  // The row whose button was pressed is drawn anew: the keyboard goes on from there.
  const list = useRef<HTMLDivElement>(null);
  const row = useRef("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: done when the forms have begun anew
  useEffect(() => {
    const controls = "input:not([type=range]), select, textarea";
    if (row.current) document.getElementById(row.current)?.querySelector<HTMLElement>(controls)?.focus();
    row.current = "";
  }, [round]);
  const [typed, setTyped] = useState("");
  const shown = services.filter((service) => service.options.length > 0);
  const changes: Change[] = shown.flatMap((service) =>
    Object.entries(drafts[service.name] ?? {}).map(([option, value]) => ({ service: service.name, option, value })),
  );
  const faults = shown.flatMap((service) =>
    judge(service, drafts[service.name] ?? {}).map((fault) => `${service.name}.${fault.path.join(".")} ${fault.text}`),
  );
  const apply = async () => {
    if (await session.configuration.apply(changes, interrupts)) begin({});
  };
  const isFound = (service: Service, option: Option) =>
    matches(typed, service.name, service.description, option.name, option.description);
  const count = (wanted: (service: Service, option: Option) => boolean) =>
    shown.reduce((sum, service) => sum + service.options.filter((option) => wanted(service, option)).length, 0);
  const total = count(() => true);
  if (shown.length === 0) return <Empty />;
  return (
    <div className="configure">
      <div className="view-head">
        <h1>Configure</h1>
        <div className="view-actions">
          <button
            type="button"
            className="quiet"
            disabled={!isReady}
            onClick={() => void session.configuration.fetch()}
          >
            Read again
          </button>
        </div>
      </div>
      <OutcomeView outcome={outcome} />
      {total > LONG_LIST && (
        <ListFilter
          what="options"
          value={typed}
          onChange={setTyped}
          found={count(isFound)}
          total={total}
          list={list}
          entries="section:not([hidden]) .field input, section:not([hidden]) .field select, section:not([hidden]) .field textarea"
        />
      )}
      <div className="cards" ref={list}>
        {shown.map((service) => (
          <ServiceCard
            key={`${service.name} ${round}`}
            service={service}
            isFound={isFound}
            values={values[service.name] ?? {}}
            draft={drafts[service.name] ?? {}}
            faults={outcome?.state === "refused" ? outcome.faults.filter((one) => one.service === service.name) : []}
            onChange={(draft) => {
              setDrafts({ ...drafts, [service.name]: draft });
              if (outcome) session.configuration.outcome.set(null);
            }}
            onReset={(draft, anchor) => {
              row.current = anchor;
              begin({ ...drafts, [service.name]: draft });
              if (outcome) session.configuration.outcome.set(null);
            }}
          />
        ))}
      </div>
      {changes.length > 0 && (
        <section className="apply-bar" aria-label="changes">
          <p>
            <strong>{changes.length === 1 ? "1 change" : `${changes.length} changes`}</strong>{" "}
            <span className="muted">{faults.length > 0 ? faults[0] : "applied together, or not at all"}</span>
          </p>
          <label className="check">
            <input type="checkbox" checked={interrupts} onChange={({ target }) => setInterrupts(target.checked)} />
            interrupt the bot first
          </label>
          <button type="button" className="plain" onClick={() => begin({})}>
            Discard
          </button>
          <button
            type="button"
            className="primary"
            disabled={!isReady || isApplying || faults.length > 0}
            onClick={() => void apply()}
          >
            {isApplying ? "Applying" : "Apply"}
          </button>
        </section>
      )}
    </div>
  );
}

function Empty() {
  const isDescribed = useStore(useSession().isDescribed);
  return (
    <>
      <div className="view-head">
        <h1>Configure</h1>
      </div>
      {isDescribed ? <p className="empty">This bot has no options.</p> : <NotDescribed />}
    </>
  );
}

/** What became of the last update. */
function OutcomeView({ outcome }: { outcome: Outcome | null }) {
  if (!outcome) return <div role="status" />;
  const names = outcome.changes.map((change) => `${change.service}.${change.option}`);
  if (outcome.state === "applied") {
    return (
      <div role="status" className="outcome is-good">
        <p>
          <strong>Applied</strong> at {timeOfDay(outcome.at)}: {names.join(", ")}
        </p>
      </div>
    );
  }
  return (
    <div role="alert" className="outcome is-bad">
      <p>
        <strong>Nothing was changed.</strong> {outcome.text}
      </p>
      <p className="muted">
        {names.length > 1 ? `All ${names.length} changes were taken back` : "The change was taken back"}; the bot has
        the values it had before. What you typed is still here.
      </p>
    </div>
  );
}

import { useState } from "react";
import { JsonTree } from "../parts/json_tree";
import { useIsReady, useSession } from "../parts/session_context";
import { timeOfDay } from "../parts/time";
import type { ClientFunction } from "../rtvi/description";
import type { FunctionCall } from "../rtvi/functions";
import { short } from "../rtvi/json";
import { useStore } from "../rtvi/store";
import { ValueForm } from "./value_form";

/** The functions that the bot has this page execute: waiting calls first, then how each is answered. */
export function FunctionsSection() {
  const session = useSession();
  const { functions } = useStore(session.description);
  const calls = useStore(session.functions.calls);
  const waiting = calls.filter((call) => call.state === "waiting");
  const past = calls.filter((call) => call.state !== "waiting").toReversed();
  return (
    <section aria-labelledby="functions">
      <div className="section-head">
        <h2 id="functions">Functions</h2>
      </div>
      <div aria-live="polite">
        {waiting.map((call) => (
          <WaitingCall key={call.id} call={call} declared={functions.find((one) => one.name === call.name)} />
        ))}
      </div>
      {functions.length === 0 && calls.length === 0 && <p className="empty">This bot declares no client functions.</p>}
      {functions.map((one) => (
        <FunctionCard key={one.name} declared={one} />
      ))}
      {past.length > 0 && (
        <details className="card">
          <summary>{past.length === 1 ? "1 past call" : `${past.length} past calls`}</summary>
          <ol className="plain-list">
            {past.map((call) => (
              <li key={call.id} className={`entry${call.state === "refused" ? " is-failed" : ""}`}>
                <header>
                  <code className="entry-name">{call.name}</code>
                  <span className="badge">
                    {call.state === "answered" && call.isAutomatic ? "answered automatically" : call.state}
                  </span>
                  <span className="entry-when">
                    <time dateTime={new Date(call.at).toISOString()}>{timeOfDay(call.at)}</time>
                  </span>
                </header>
                {call.note && <p className={call.state === "refused" ? "fault" : "muted"}>{call.note}</p>}
                {call.result !== undefined && <JsonTree value={call.result} depth={1} />}
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}

function WaitingCall({ call, declared }: { call: FunctionCall; declared: ClientFunction | undefined }) {
  const { functions } = useSession();
  const isReady = useIsReady();
  return (
    <section className="card is-waiting" aria-label={`${call.name} waits for an answer`}>
      <header className="card-head">
        <h3>
          <code>{call.name}</code> waits for your answer
        </h3>
        {declared?.timeout !== undefined && <p className="muted">The bot waits {declared.timeout} s.</p>}
      </header>
      <JsonTree value={call.arguments} name="arguments" />
      <ValueForm
        id={`answer-${call.id}`}
        schema={declared?.result_schema ?? true}
        onSubmit={(result) => functions.answer(call.id, result)}
      >
        <button type="submit" className="primary" disabled={!isReady}>
          Answer
        </button>
      </ValueForm>
    </section>
  );
}

function FunctionCard({ declared }: { declared: ClientFunction }) {
  const { functions } = useSession();
  const automatic = useStore(functions.automatic);
  const [isEditing, setEditing] = useState(false);
  const isAutomatic = automatic.has(declared.name);
  return (
    <section className="card function" aria-label={declared.name}>
      <header className="card-head">
        <h3>
          <code>{declared.name}</code>
        </h3>
        {declared.description && <p className="muted">{declared.description}</p>}
      </header>
      <p className="function-mode">
        {isAutomatic ? (
          <>
            Answered automatically with <code>{short(automatic.get(declared.name), 60)}</code>
          </>
        ) : (
          "Answered by hand"
        )}
        <button
          type="button"
          className="plain"
          onClick={() => {
            if (isAutomatic) functions.setByHand(declared.name);
            else setEditing(!isEditing);
          }}
          aria-expanded={isAutomatic ? undefined : isEditing}
        >
          {isAutomatic ? "Answer by hand" : isEditing ? "Leave it" : "Answer automatically"}
          <span className="visually-hidden">: {declared.name}</span>
        </button>
      </p>
      {isEditing && !isAutomatic && (
        <ValueForm
          id={`automatic-${declared.name}`}
          schema={declared.result_schema}
          onSubmit={(result) => {
            functions.setAutomatic(declared.name, result);
            setEditing(false);
          }}
        >
          <button type="submit" className="primary">
            Always answer this
          </button>
        </ValueForm>
      )}
    </section>
  );
}

import { useState } from "react";
import { JsonEditor } from "../forms/widgets";
import { JsonTree } from "../parts/json_tree";
import { useIsReady, useSession } from "../parts/session_context";
import { timeOfDay } from "../parts/time";
import type { Payload } from "../rtvi/description";
import type { PageMessage } from "../rtvi/page_messages";
import { useStore } from "../rtvi/store";
import { FunctionsSection } from "./functions";
import { ValueForm } from "./value_form";

/** What bot and page ask of each other: functions, UI commands, UI events. */
export function PageView() {
  return (
    <div className="page">
      <div className="view-head">
        <h1>Page</h1>
      </div>
      <div className="page-columns">
        <div>
          <FunctionsSection />
          <EventsSection />
        </div>
        <MessagesSection />
      </div>
    </div>
  );
}

function MessagesSection() {
  const { page, description } = useSession();
  const messages = useStore(page.messages);
  const { commands } = useStore(description).ui;
  return (
    <section aria-labelledby="messages">
      <div className="section-head">
        <h2 id="messages">Commands and messages</h2>
        <button type="button" className="quiet" disabled={messages.length === 0} onClick={() => page.clear()}>
          Clear
        </button>
      </div>
      {commands.length > 0 && (
        <p className="muted">
          It may send{" "}
          {commands.map((command, index) => (
            <span key={command.name}>
              {index > 0 && ", "}
              <code>{command.name}</code>
            </span>
          ))}{" "}
          and the standard commands.
        </p>
      )}
      {messages.length === 0 && <p className="empty">Nothing was sent yet.</p>}
      <ol className="plain-list">
        {messages.toReversed().map((message) => (
          <li key={message.number}>
            <MessageEntry message={message} />
          </li>
        ))}
      </ol>
    </section>
  );
}

const KINDS = { command: "UI command", event: "UI event, sent", message: "server message" };

function MessageEntry({ message }: { message: PageMessage }) {
  return (
    <article className={`entry${message.isRefused ? " is-failed" : ""}`}>
      <header>
        <code className="entry-name">{message.name}</code>
        <span className="badge">{KINDS[message.kind]}</span>
        <span className="entry-when">
          <time dateTime={new Date(message.at).toISOString()}>{timeOfDay(message.at)}</time>
        </span>
      </header>
      <p className={message.isRefused ? "fault" : "muted"}>{message.effect}</p>
      {message.payload !== undefined && <JsonTree value={message.payload} depth={1} />}
    </article>
  );
}

function EventsSection() {
  const { events } = useStore(useSession().description).ui;
  return (
    <section aria-labelledby="events">
      <div className="section-head">
        <h2 id="events">UI events</h2>
      </div>
      {events.map((event) => (
        <EventCard key={event.name} event={event} />
      ))}
      <OtherEvent />
    </section>
  );
}

function EventCard({ event }: { event: Payload }) {
  const session = useSession();
  const isReady = useIsReady();
  return (
    <details className="card event">
      <summary>
        <code>{event.name}</code> {event.description && <span className="muted">{event.description}</span>}
      </summary>
      <ValueForm
        id={`event-${event.name}`}
        schema={event.payload}
        onSubmit={(payload) => session.sendEvent(event.name, payload)}
      >
        <button type="submit" className="primary" disabled={!isReady}>
          Send<span className="visually-hidden"> {event.name}</span>
        </button>
      </ValueForm>
    </details>
  );
}

/** An event that the manifest does not declare; bots may listen for those too. */
function OtherEvent() {
  const session = useSession();
  const isReady = useIsReady();
  const [name, setName] = useState("");
  const [payload, setPayload] = useState<unknown>(undefined);
  return (
    <details className="card event">
      <summary>
        Another event <span className="muted">one that was not declared</span>
      </summary>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) session.sendEvent(name.trim(), payload ?? null);
        }}
      >
        <div className="field">
          <div className="field-head">
            <label className="field-name" htmlFor="event-name">
              name
            </label>
          </div>
          <input
            id="event-name"
            className="control"
            autoComplete="off"
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
        </div>
        <div className="field">
          <div className="field-head">
            <label className="field-name" htmlFor="event-payload">
              payload
            </label>
          </div>
          <JsonEditor id="event-payload" label="payload, as JSON" value={payload} onChange={setPayload} />
        </div>
        <div className="form-actions">
          <button type="submit" className="primary" disabled={!isReady || !name.trim()}>
            Send<span className="visually-hidden"> the event</span>
          </button>
        </div>
      </form>
    </details>
  );
}

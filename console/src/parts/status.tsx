import { useEffect, useState } from "react";
import type { Link } from "../rtvi/connection";
import { useStore } from "../rtvi/store";
import { useSession } from "./session_context";

const TONES: { [phase in Link["phase"]]: string } = {
  asking: "quiet",
  idle: "quiet",
  starting: "busy",
  connecting: "busy",
  waiting: "busy",
  ready: "good",
  retrying: "bad",
  refused: "bad",
  ended: "quiet",
};

const WORDS: { [phase in Link["phase"]]: string } = {
  asking: "Not started",
  idle: "Disconnected",
  starting: "Starting",
  connecting: "Connecting",
  waiting: "Waiting for the bot",
  ready: "Connected",
  retrying: "Reconnecting",
  refused: "Refused",
  ended: "Ended",
};

/** Where the connection stands, and the button that changes it. */
export function Status() {
  const { connection } = useSession();
  const link = useStore(connection.link);
  const isUp = link.phase === "ready";
  return (
    <div className="status">
      <span className={`status-word is-${TONES[link.phase]}`} role="status">
        {WORDS[link.phase]}
      </span>
      <button
        type="button"
        className="plain"
        onClick={() => (isUp || link.phase === "retrying" ? void connection.close() : connection.open())}
        disabled={TONES[link.phase] === "busy"}
      >
        {isUp ? "Disconnect" : link.phase === "retrying" ? "Stop" : "Connect"}
      </button>
    </div>
  );
}

/** What keeps the page from its bot, and what can be done about it. */
export function ConnectionBanner() {
  const { connection } = useSession();
  const link = useStore(connection.link);
  if (link.phase === "ready") return null;
  if (TONES[link.phase] === "busy" || link.phase === "asking") return null;
  const isBad = TONES[link.phase] === "bad";
  return (
    <section className={`banner${isBad ? " is-bad" : ""}`} aria-label="connection">
      <div className="banner-text" role={isBad || link.phase === "ended" ? "alert" : undefined}>
        <p>
          <strong>{link.text}.</strong>
        </p>
        {link.advice && <p>{link.advice}</p>}
      </div>
      {link.retryAt !== undefined && <Countdown until={link.retryAt} />}
      {link.needsToken ? (
        <TokenForm />
      ) : (
        <button type="button" className="plain" onClick={() => connection.open()}>
          {link.phase === "retrying" ? "Try now" : "Connect"}
        </button>
      )}
    </section>
  );
}

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  return <p className="banner-wait">Trying again in {seconds} s.</p>;
}

function TokenForm() {
  const { connection } = useSession();
  const [token, setToken] = useState("");
  return (
    <form
      className="token"
      onSubmit={(event) => {
        event.preventDefault();
        connection.token = token.trim();
        connection.open();
      }}
    >
      <label htmlFor="token">Token</label>
      <input
        id="token"
        className="control"
        type="password"
        autoComplete="off"
        value={token}
        onChange={({ target }) => setToken(target.value)}
      />
      <button type="submit" className="primary" disabled={!token.trim()}>
        Connect
      </button>
    </form>
  );
}

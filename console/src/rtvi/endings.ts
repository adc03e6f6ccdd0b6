import type { Refused } from "./refused";

/** Why there is no connection, for people, and what comes next. */
export interface Ending {
  text: string;
  /** What can be done about it. */
  advice: string;
  /** retry: the page comes again by itself; stay: somebody has to ask for it; token: one has to be given first. */
  next: "retry" | "stay" | "token";
}

/** WebSocket close codes: RFC 6455, IANA's registry, and those of this package from 4400 on (docs/protocol.md). */
const CLOSED: { [code: number]: Ending } = {
  1000: { text: "The bot has ended the session", advice: "Connect to begin another one.", next: "stay" },
  1001: { text: "The server was stopped", advice: "Start the bot again, if nobody else does.", next: "retry" },
  1008: { text: "The server does not let this page in", advice: "The server's log says why.", next: "stay" },
  1009: {
    text: "A message was too large for the bot",
    advice: "Send less at once, or raise max_message_bytes in the manifest.",
    next: "retry",
  },
  1011: {
    text: "The session failed in the bot",
    advice: "The bot's log says what went wrong.",
    next: "retry",
  },
  1012: {
    text: "The bot starts again",
    advice: "It comes back by itself, with what was changed in its files.",
    next: "retry",
  },
  1013: { text: "The server has no room just now", advice: "Others have to leave first, or send less.", next: "retry" },
  4408: {
    text: "The bot did not hear from this page in time",
    advice: "If this happens again, something between page and bot holds messages back.",
    next: "retry",
  },
  4410: {
    text: "The session ended because nothing happened in it for too long",
    advice: "Connect to begin another one.",
    next: "stay",
  },
};

/**
 * The socket has closed. `said`: the bot's own last words, where they were a fatal error; `wasReady`: whether the session had
 * begun; `address`: where the bot is.
 */
export function afterClose(code: number | undefined, said: string, wasReady: boolean, address: string): Ending {
  const known = code === undefined ? undefined : CLOSED[code];
  if (known) return said ? { ...known, text: withoutStop(said) } : known;
  if (wasReady) {
    const advice = `Check that the bot still runs at ${address}, and that the network is there.`;
    return { text: withoutStop(said) || "The connection to the bot was lost", advice, next: "retry" };
  }
  const advice = `The server at ${address} answers, but its WebSocket does not; a proxy in between has to pass it on.`;
  return { text: withoutStop(said) || "The connection could not be opened", advice, next: "retry" };
}

/** There was no session: the start was refused, or nobody answered. `hasToken`: whether one was sent. */
export function afterRefusal(reason: Refused, hasToken: boolean, address: string): Ending {
  const text = withoutStop(reason.message);
  const { code } = reason;
  if (code === "network") {
    const advice = `Check that the bot runs (rtvi run), and that ${address} is where it is.`;
    return { text: "The server cannot be reached", advice, next: "retry" };
  }
  if (code === "401") {
    const advice = "The tokens stand under runtime.auth in the manifest.";
    return { text: hasToken ? "This token is not known here" : "This bot asks for a token", advice, next: "token" };
  }
  if (code === "404" || code === "405") {
    return { text, advice: `There is no bot at ${address}; check the address of this page.`, next: "stay" };
  }
  if (code === "429" || code === "503") {
    return { text, advice: "This page comes in as soon as the server lets it.", next: "retry" };
  }
  if (/^4\d\d$/.test(code)) {
    return { text, advice: "Connect tries again once that has been changed.", next: "stay" };
  }
  return { text, advice: "The server's log says what went wrong.", next: "retry" };
}

function withoutStop(text: string): string {
  return text.trim().replace(/\.$/, "");
}

import type { Schema } from "./json";

/** The folder this page is in, with a slash at its end: the bot's other addresses are beside it. */
export function pageFolder(location: Location = window.location): URL {
  return new URL(".", location.href.replace(/[?#].*$/, ""));
}

/**
 * The address of the socket, as this page reaches it.
 *
 * A server behind a proxy tells the address as it sees itself: perhaps without the prefix under which the proxy has it, or
 * without TLS. On the page's own host the socket is beside the page.
 */
export function reachable(address: string, folder: URL): string {
  const url = new URL(address, folder);
  if (url.host !== folder.host) return url.href;
  if (folder.protocol === "https:" && url.protocol === "ws:") url.protocol = "wss:";
  if (!url.pathname.startsWith(folder.pathname)) url.pathname = folder.pathname + url.pathname.split("/").pop();
  return url.href;
}

/** How `rtvi call` names this bot: `:7860` on this machine, else the whole address. */
export function shellAddress(folder: URL): string {
  const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(folder.hostname) && folder.protocol === "http:";
  const path = folder.pathname.replace(/\/$/, "");
  return isHere && !path && folder.port ? `:${folder.port}` : `${folder.origin}${path}`;
}

export interface ListedBot {
  bot: string;
  description: string;
  /** What a start is to hold, where the bot declares that and the one who asks may come in. */
  start_schema?: Schema;
}

/** The bots that the server of this page lists; empty for a server that lists none. */
export async function listBots(folder: URL, token = ""): Promise<ListedBot[]> {
  try {
    const headers = new Headers({ accept: "application/json" });
    if (token) headers.set("authorization", `Bearer ${token}`);
    const answer = await fetch(folder, { headers });
    if (!answer.ok || !answer.headers.get("content-type")?.includes("json")) return [];
    const body = (await answer.json()) as { bots?: ListedBot[] };
    return Array.isArray(body.bots) ? body.bots : [];
  } catch {
    return [];
  }
}

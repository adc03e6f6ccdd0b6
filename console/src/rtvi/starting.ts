import { takesNothing } from "../forms/summary";
import type { ListedBot } from "./addresses";
import { listBots } from "./addresses";
import type { JsonObject, Schema } from "./json";
import { isObject, pointerSteps } from "./json";
import { Refused } from "./refused";

/** Something wrong with start data. `path`: where in the data; empty where it is elsewhere. */
export interface StartFault {
  path: string[];
  text: string;
}

/** What a bot says of itself before a session, and the start data it asks for; null where it asks for none. */
export async function askBeforeStart(
  folder: URL,
  token: string,
): Promise<{ listed: ListedBot | undefined; schema: Schema | null }> {
  const [listed] = await listBots(folder, token);
  const schema = listed?.start_schema;
  return { listed, schema: schema === undefined || takesNothing(schema) ? null : schema };
}

/** `POST /start`: gives the address of the socket. Fails with Refused, whose code is the HTTP status or `network`. */
export async function postStart(folder: URL, token: string, data: JsonObject | undefined): Promise<string> {
  const headers = new Headers({ "content-type": "application/json" });
  if (token) headers.set("authorization", `Bearer ${token}`);
  let answer: Response;
  try {
    const body = JSON.stringify(data === undefined ? {} : { body: data });
    answer = await fetch(new URL("start", folder), { method: "POST", headers, body });
  } catch {
    throw new Refused("The server cannot be reached", "network");
  }
  const told: unknown = await answer.json().catch(() => undefined);
  const said = isObject(told) ? told : {};
  if (!answer.ok) {
    const text = [said.error, said.info, said.detail].find((one) => typeof one === "string");
    throw new Refused(
      typeof text === "string" ? text : `The server answered ${answer.status} ${answer.statusText}`.trim(),
      said.code === "invalid-start" ? "invalid-start" : String(answer.status),
      said.details,
    );
  }
  const address = said.wsUrl ?? said.ws_url;
  if (typeof address !== "string") throw new Refused("The server did not say where to connect", "404");
  return address;
}

/** Where start data was refused: the server's pointers lead into the whole body. */
export function startFaults(details: unknown): StartFault[] {
  if (!Array.isArray(details)) return [];
  return details.flatMap((detail) => {
    if (!isObject(detail) || typeof detail.pointer !== "string" || typeof detail.text !== "string") return [];
    const steps = pointerSteps(detail.pointer);
    return [{ path: steps[0] === "body" ? steps.slice(1) : [], text: detail.text }];
  });
}

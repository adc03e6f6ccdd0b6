import type { BotReadyData, RTVIEventCallbacks } from "@pipecat-ai/client-js";
import { LogLevel, PipecatClient, RTVIMessage } from "@pipecat-ai/client-js";
import { reachable } from "./addresses";
import { MediaOnDemand } from "./media";
import { Store } from "./store";
import { type Tap, TappedTransport } from "./transport";

/** Where the connection stands. `text` is for people. */
export interface Link {
  phase: "idle" | "starting" | "connecting" | "waiting" | "ready" | "retrying" | "refused" | "ended";
  text: string;
  /** When the next attempt begins, in milliseconds since 1970. */
  retryAt?: number;
  needsToken?: boolean;
}

/** A request that the bot refused, or that could not be made. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly code = "",
    readonly details: unknown = undefined,
  ) {
    super(message);
  }
}

export interface Events {
  callbacks: RTVIEventCallbacks;
  tap: Pick<Tap, "sent" | "received">;
  /** The bot is ready, for the first time or again. */
  ready(bot: BotReadyData): void;
  lost(): void;
}

const DELAYS_S = [1, 2, 4, 8, 15, 30];
/** A connection that held this long was a good one: the next loss begins again with the shortest delay. */
const GOOD_AFTER_MS = 10_000;
const READY_WITHIN_MS = 60_000;
/** The client gives up on an answer by itself after this; the bot's own limits are what counts. */
const ANSWER_WITHIN_MS = 3_600_000;
const NORMAL_CLOSURE = 1000;

/** One bot, reached by the published client, again and again where the network fails. */
export class Connection {
  readonly link = new Store<Link>({ phase: "idle", text: "Not connected" });
  readonly media = new Store<MediaOnDemand | null>(null);
  token = "";
  private client: PipecatClient | null = null;
  private transport: TappedTransport | null = null;
  private attempts = 0;
  private readySince = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closeCode: number | undefined;
  private lastError = "";
  private keepsMicrophone = false;
  private drop: (reason: Refused) => void = () => {};
  private dropped: Promise<never> = new Promise(() => {});

  constructor(
    private readonly folder: URL,
    private readonly events: Events,
  ) {}

  /** Connect now, whatever went before. */
  open(): void {
    clearTimeout(this.timer);
    void this.attempt();
  }

  /** Leave, and stay away. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    const client = this.forget();
    this.keepsMicrophone = false;
    this.link.set({ phase: "idle", text: "Disconnected" });
    await client?.disconnect();
  }

  /** Send a request and give its answer's `d`. Fails with Refused. */
  async request(t: string, d: unknown): Promise<unknown> {
    const { client, dropped } = this;
    if (!client || this.link.get().phase !== "ready") throw new Refused("Not connected", "not-connected");
    try {
      return await Promise.race([client.sendClientRequest(t, d, ANSWER_WITHIN_MS), dropped]);
    } catch (reason) {
      throw asRefused(reason);
    }
  }

  /** Send a message that nobody answers, as it stands; gives its id. */
  send(type: string, data: unknown): string {
    if (!this.transport || this.link.get().phase !== "ready") throw new Refused("Not connected", "not-connected");
    const message = new RTVIMessage(type, data);
    this.transport.sendMessage(message);
    return message.id;
  }

  /** Use the published client's own methods. Fails with Refused when there is no connection. */
  get ready(): PipecatClient {
    if (!this.client || this.link.get().phase !== "ready") throw new Refused("Not connected", "not-connected");
    return this.client;
  }

  private async attempt(): Promise<void> {
    const before = this.forget();
    this.link.set({ phase: "starting", text: "Asking the bot to start" });
    if (before) await before.disconnect().catch(() => {});
    const media = new MediaOnDemand();
    const transport = new TappedTransport(media, {
      ...this.events.tap,
      closed: (code) => {
        if (this.client === client) this.closeCode = code;
      },
    });
    const isCurrent = () => this.client === client;
    const client: PipecatClient = new PipecatClient({
      transport,
      enableMic: false,
      enableCam: false,
      callbacks: {
        ...this.events.callbacks,
        onDisconnected: () => {
          // While it starts, the refused request itself says more.
          if (isCurrent() && this.link.get().phase !== "starting") this.wasLost();
        },
        onError: (message) => {
          if (!isCurrent()) return;
          this.lastError = textOf(message.data) || this.lastError;
          this.events.callbacks.onError?.(message);
        },
      },
    });
    client.setLogLevel(LogLevel.NONE); // the page itself shows what happens
    this.client = client;
    this.transport = transport;
    this.closeCode = undefined;
    this.lastError = "";
    this.dropped = new Promise((_, reject) => {
      this.drop = reject;
    });
    this.dropped.catch(() => {});
    try {
      const wsUrl = await this.start(client);
      if (!isCurrent()) return;
      this.link.set({ phase: "connecting", text: "Opening the connection" });
      const connected = client.connect({ wsUrl });
      this.link.set({ phase: "waiting", text: "Waiting for the bot" });
      const bot = await within(READY_WITHIN_MS, Promise.race([connected, this.dropped]));
      if (!isCurrent()) return;
      this.readySince = Date.now();
      this.media.set(media);
      if (this.keepsMicrophone) void media.enableMic(true);
      this.link.set({ phase: "ready", text: "Connected" });
      this.events.ready(bot as BotReadyData);
    } catch (reason) {
      if (isCurrent()) this.hasFailed(asRefused(reason));
    }
  }

  /** `POST /start` beside this page; gives the address of the socket. */
  private async start(client: PipecatClient): Promise<string> {
    const headers = new Headers(this.token ? { authorization: `Bearer ${this.token}` } : {});
    let told: unknown;
    try {
      told = await client.startBot({ endpoint: new URL("start", this.folder).href, headers, requestData: {} });
    } catch (reason) {
      const { status, message } = reason as { status?: number; message?: string };
      throw new Refused(message ?? "The bot could not be started", status === undefined ? "network" : String(status));
    }
    const { wsUrl, ws_url } = told as { wsUrl?: unknown; ws_url?: unknown };
    const address = wsUrl ?? ws_url;
    if (typeof address !== "string") throw new Refused("The server did not say where to connect", "404");
    return reachable(address, this.folder);
  }

  private hasFailed(reason: Refused): void {
    const client = this.forget();
    client?.disconnect().catch(() => {});
    if (reason.code === "401") {
      const text = this.token ? "This token is not known here" : "This bot asks for a token";
      this.link.set({ phase: "refused", text, needsToken: true });
    } else if (reason.code === "503") {
      this.retry(reason.message);
    } else if (/^4\d\d$/.test(reason.code)) {
      this.link.set({ phase: "refused", text: reason.message });
    } else {
      this.retry(reason.code === "network" ? "The server cannot be reached" : reason.message);
    }
  }

  /** The connection has gone, by the network, the server, or a fatal error. */
  private wasLost(): void {
    const closeCode = this.closeCode;
    const lastError = this.lastError;
    const wasReady = this.link.get().phase === "ready";
    this.forget();
    if (!wasReady) {
      this.retry(fatalText(lastError) || "The connection could not be opened");
    } else if (closeCode === NORMAL_CLOSURE) {
      this.link.set({ phase: "ended", text: fatalText(lastError) || "The bot has ended the session" });
    } else {
      if (Date.now() - this.readySince > GOOD_AFTER_MS) this.attempts = 0;
      this.retry(fatalText(lastError) || "The connection was lost");
    }
  }

  private retry(text: string): void {
    const delay = DELAYS_S[Math.min(this.attempts, DELAYS_S.length - 1)] ?? 30;
    this.attempts += 1;
    this.link.set({ phase: "retrying", text, retryAt: Date.now() + delay * 1000 });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.attempt(), delay * 1000);
  }

  private forget(): PipecatClient | null {
    const { client } = this;
    this.client = null;
    this.transport = null;
    // Whoever was speaking when the network went goes on speaking when it is back.
    const media = this.media.get();
    if (media) this.keepsMicrophone = media.isMicrophoneWanted;
    this.media.set(null);
    this.drop(new Refused("The connection was lost before an answer came", "not-connected"));
    if (client) this.events.lost();
    return client;
  }
}

/** What the transport says of a closed socket is no news: only the bot's own words are. */
function fatalText(text: string): string {
  return /^websocket /i.test(text) ? "" : text;
}

function textOf(data: unknown): string {
  const { error, message } = (data ?? {}) as { error?: unknown; message?: unknown };
  return typeof error === "string" ? error : typeof message === "string" ? message : "";
}

/** Errors of the client are Errors; refusals of the bot are whole RTVI messages. */
export function asRefused(reason: unknown): Refused {
  if (reason instanceof Refused) return reason;
  if (reason instanceof Error) return new Refused(reason.message || "The request failed", "failed");
  const { data } = (reason ?? {}) as { data?: { error?: string; code?: string; details?: unknown } };
  return new Refused(data?.error ?? "The bot refused", data?.code ?? "", data?.details);
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Refused("The bot did not get ready in time", "not-ready")), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

import type { BotReadyData, RTVIEventCallbacks } from "@pipecat-ai/client-js";
import { LogLevel, PipecatClient, RTVIMessage } from "@pipecat-ai/client-js";
import { type ListedBot, reachable } from "./addresses";
import type { Devices } from "./devices";
import { afterClose, afterRefusal, type Ending } from "./endings";
import type { JsonObject, Schema } from "./json";
import { MediaOnDemand } from "./media";
import { asRefused, Refused } from "./refused";
import { askBeforeStart, postStart, type StartFault, startFaults } from "./starting";
import { Store } from "./store";
import { type Tap, TappedTransport } from "./transport";

/** Where the connection stands. `text` is for people; `asking`: for start data. */
export interface Link {
  phase: "asking" | "idle" | "starting" | "connecting" | "waiting" | "ready" | "retrying" | "refused" | "ended";
  text: string;
  /** What can be done about it. */
  advice?: string;
  /** When the next attempt begins, in milliseconds since 1970. */
  retryAt?: number;
  needsToken?: boolean;
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

/** One bot, reached by the published client, again and again where the network fails. */
export class Connection {
  readonly link = new Store<Link>({ phase: "idle", text: "Not connected" });
  readonly media = new Store<MediaOnDemand | null>(null);
  /** What the server says of its bot; null until it did. */
  readonly listed = new Store<ListedBot | null>(null);
  /** What a start is to hold, and what was wrong with the last one; while the link's phase is `asking`. */
  readonly startSchema = new Store<Schema>(true);
  readonly startFaults = new Store<StartFault[]>([]);
  startData: JsonObject | undefined;
  token = "";
  private client: PipecatClient | null = null;
  private transport: TappedTransport | null = null;
  private attempts = 0;
  private readySince = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closeCode: number | undefined;
  private lastError = "";
  private lastCode = "";
  private keepsMicrophone = false;
  private drop: (reason: Refused) => void = () => {};
  private dropped: Promise<never> = new Promise(() => {});

  constructor(
    private readonly folder: URL,
    private readonly events: Events,
    private readonly devices: Devices,
  ) {}

  /** Connect now, whatever went before; asks for start data first, where the bot wants some. */
  open(): void {
    clearTimeout(this.timer);
    // Whoever cannot wait for the next attempt has said already what the session is to begin with.
    void this.attempt({ isAgain: this.link.get().phase === "retrying" });
  }

  /** Connect with this start data. */
  start(data: JsonObject): void {
    clearTimeout(this.timer);
    this.startData = data;
    void this.attempt({ isAgain: true });
  }

  /** Leave, and stay away. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    const client = this.forget();
    this.keepsMicrophone = false;
    this.link.set({ phase: "idle", text: "Disconnected" });
    await client?.disconnect();
  }

  private get address(): string {
    return this.folder.href;
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

  /** isAgain: with the start data that was given before. */
  private async attempt({ isAgain }: { isAgain: boolean }): Promise<void> {
    const before = this.forget();
    this.readySince = 0;
    this.link.set({ phase: "starting", text: "Asking the bot to start" });
    if (before) await before.disconnect().catch(() => {});
    const media = new MediaOnDemand(this.devices);
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
          if (isCurrent() && this.link.get().phase !== "starting") void this.wasLost();
        },
        onError: (message) => {
          if (!isCurrent()) return;
          this.lastError = textOf(message.data) || this.lastError;
          this.lastCode = fatalCode(message.data) || this.lastCode;
          this.events.callbacks.onError?.(message);
        },
      },
    });
    client.setLogLevel(LogLevel.NONE); // the page itself shows what happens
    this.client = client;
    this.transport = transport;
    this.closeCode = undefined;
    this.lastError = "";
    this.lastCode = "";
    this.dropped = new Promise((_, reject) => {
      this.drop = reject;
    });
    this.dropped.catch(() => {});
    try {
      if (!isAgain) {
        const { listed, schema } = await askBeforeStart(this.folder, this.token);
        if (!isCurrent()) return;
        if (listed) this.listed.set(listed);
        if (schema !== null) {
          this.forget();
          this.ask(schema);
          return;
        }
        if (listed) this.startData = undefined;
      }
      const wsUrl = reachable(await postStart(this.folder, this.token, this.startData), this.folder);
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

  private hasFailed(reason: Refused): void {
    const client = this.forget();
    client?.disconnect().catch(() => {});
    if (reason.code === "invalid-start") void this.refusedStart(reason);
    else this.end(afterRefusal(reason, this.token !== "", this.address));
  }

  /** The start data does not fit what the bot declares, perhaps since a moment ago: it is asked for anew. */
  private async refusedStart(reason: Refused): Promise<void> {
    const { schema } = await askBeforeStart(this.folder, this.token);
    if (this.client) return; // somebody has begun another attempt meanwhile
    if (schema === null) this.end(afterRefusal(new Refused(reason.message, "400"), this.token !== "", this.address));
    else this.ask(schema, startFaults(reason.details), reason.message);
  }

  private ask(schema: Schema, faults: StartFault[] = [], text = ""): void {
    this.startSchema.set(schema);
    this.startFaults.set(faults);
    this.link.set({ phase: "asking", text });
  }

  /** The connection has gone, by the network, the server, or a fatal error. */
  private async wasLost(): Promise<void> {
    const { client } = this;
    await this.transport?.settled();
    if (this.client !== client) return;
    // After a fatal error the published client leaves by itself, before the socket is closed with a code.
    const code = FATAL[this.lastCode] ?? this.closeCode;
    const said = fatalText(this.lastError);
    const wasReady = this.link.get().phase === "ready";
    this.forget();
    if (wasReady && Date.now() - this.readySince > GOOD_AFTER_MS) this.attempts = 0;
    this.end(afterClose(code, said, wasReady, this.address));
  }

  private end({ text, advice, next }: Ending): void {
    if (next === "retry") this.retry(text, advice);
    else if (next === "token") this.link.set({ phase: "refused", text, advice, needsToken: true });
    else this.link.set({ phase: this.readySince > 0 ? "ended" : "refused", text, advice });
  }

  private retry(text: string, advice: string): void {
    const delay = DELAYS_S[Math.min(this.attempts, DELAYS_S.length - 1)] ?? 30;
    this.attempts += 1;
    this.link.set({ phase: "retrying", text, advice, retryAt: Date.now() + delay * 1000 });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.attempt({ isAgain: true }), delay * 1000);
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

/** Fatal errors that mean the same as a close code. */
const FATAL: { [code: string]: number } = { idle: 4410, "not-ready": 4408, "shutting-down": 1001 };

function fatalCode(data: unknown): string {
  const { code, fatal } = (data ?? {}) as { code?: unknown; fatal?: unknown };
  return fatal === true && typeof code === "string" && Object.hasOwn(FATAL, code) ? code : "";
}

function textOf(data: unknown): string {
  const { error, message } = (data ?? {}) as { error?: unknown; message?: unknown };
  return typeof error === "string" ? error : typeof message === "string" ? message : "";
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Refused("The bot did not get ready in time", "not-ready")), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

import type { BotReadyData, RTVIEventCallbacks, RTVIMessage } from "@pipecat-ai/client-js";
import { pageFolder } from "./addresses";
import { Calls } from "./calls";
import { Configuration } from "./configuration";
import { Connection } from "./connection";
import { Conversation } from "./conversation";
import { type Description, fetchDescription, NOTHING_DESCRIBED } from "./description";
import { Devices } from "./devices";
import { Functions } from "./functions";
import { Jobs } from "./jobs";
import { isObject } from "./json";
import { Metrics } from "./metrics";
import { PageMessages } from "./page_messages";
import { appended, Store } from "./store";
import { WireLog } from "./wire_log";

/** Something that people should know and that belongs nowhere else. */
export interface Notice {
  number: number;
  at: number;
  text: string;
  code: string;
}

/** Who is heard just now. */
export interface Speech {
  you: boolean;
  bot: boolean;
  /** The bot takes no notice of what is said, for instance until it has finished its greeting. */
  isDeaf: boolean;
}

const SILENCE: Speech = { you: false, bot: false, isDeaf: false };

export interface Capabilities {
  /** undefined: the bot did not say. */
  audioIn?: boolean;
  audioOut?: boolean;
}

/** All that this page knows of its bot, over all connections: what came is kept when the connection goes. */
export class Session {
  readonly folder = pageFolder();
  readonly wire = new WireLog();
  readonly conversation = new Conversation();
  readonly jobs = new Jobs();
  readonly page = new PageMessages();
  readonly metrics = new Metrics();
  readonly description = new Store<Description>(NOTHING_DESCRIBED);
  readonly isDescribed = new Store(false);
  readonly capabilities = new Store<Capabilities>({});
  readonly speech = new Store<Speech>(SILENCE);
  readonly notices = new Store<readonly Notice[]>([]);
  readonly devices = new Devices();
  readonly connection = new Connection(
    this.folder,
    {
      callbacks: this.callbacks(),
      tap: {
        sent: (message) => this.wire.record("sent", message),
        received: (message) => this.received(message),
      },
      ready: (bot) => void this.ready(bot),
      lost: () => this.lost(),
    },
    this.devices,
  );
  readonly functions = new Functions((call, result) =>
    this.connection.send("llm-function-call-result", {
      function_name: call.name,
      tool_call_id: call.id,
      arguments: call.arguments,
      result,
    }),
  );
  readonly configuration = new Configuration((t, d) => this.connection.request(t, d));
  readonly calls = new Calls((t, d) => this.connection.request(t, d));
  private noticeNumber = 0;

  constructor() {
    this.wire.isSecret = (service, option) =>
      this.description
        .get()
        .services.find((one) => one.name === service)
        ?.options.find((one) => one.name === option)?.secret ?? false;
  }

  say(text: string): void {
    const id = this.connection.send("send-text", { content: text, options: {} });
    this.conversation.said(text, id);
  }

  /** Have the bot stop what it is saying. */
  async interrupt(): Promise<void> {
    await this.connection.request("update-config", { config: [], interrupt: true });
  }

  sendEvent(name: string, payload: unknown): void {
    const id = this.connection.send("ui-event", { event: name, payload });
    this.page.event(name, payload, id);
  }

  cancelJob(id: string): void {
    this.connection.ready.cancelUIJobGroup(id);
    this.jobs.cancelling(id);
  }

  dismiss(number: number): void {
    this.notices.update((notices) => notices.filter((notice) => notice.number !== number));
  }

  private notice(text: string, code = ""): void {
    const notice = { number: ++this.noticeNumber, at: Date.now(), text, code };
    this.notices.update((notices) => appended(notices, notice, 5));
  }

  private async ready(bot: BotReadyData): Promise<void> {
    const { capabilities } = bot as { capabilities?: { [name: string]: unknown } };
    const told = (name: string) => (typeof capabilities?.[name] === "boolean" ? capabilities[name] : undefined);
    this.capabilities.set({ audioIn: told("audio_in"), audioOut: told("audio_out") });
    if (Number.parseInt(bot.version, 10) < 2) {
      this.notice(`The bot speaks RTVI ${bot.version}, older than this page: some things may not work.`, "version");
    }
    const ask = (t: string, d?: unknown) => this.connection.request(t, d);
    // The values first: a form that is drawn without them would take their coming for a change.
    const [description] = await Promise.all([fetchDescription(ask), this.configuration.fetch().catch(() => {})]);
    // Lost while it was asked: what it could not answer says nothing about the bot.
    if (this.connection.link.get().phase !== "ready") return;
    this.description.set(description);
    this.isDescribed.set(true);
  }

  private lost(): void {
    this.speech.set(SILENCE);
    this.conversation.lost();
    this.jobs.lost();
    this.functions.lost();
  }

  private received(message: RTVIMessage): void {
    this.wire.record("received", message);
    // The published client does not know this one yet.
    if ((message.type as string) === "bot-interrupted") {
      this.connection.media.get()?.silence();
      this.conversation.botInterrupted();
    }
  }

  /** A refusal that no waiting request has taken: of a text, an event, a result, or of our version. */
  private refused(message: RTVIMessage): void {
    const data = isObject(message.data) ? message.data : {};
    const text = typeof data.error === "string" ? data.error : "The bot refused a message";
    const { id } = message;
    const isTaken =
      this.conversation.refused(id, text) || this.page.refused(id, text) || this.functions.refused(id, text);
    if (!isTaken && data.code === "incompatible-version") this.notice(text, "version");
  }

  private callbacks(): RTVIEventCallbacks {
    return {
      onMessageError: (message) => this.refused(message),
      onError: (message) => {
        const data = isObject(message.data) ? message.data : {};
        const text = [data.error, data.message].find((one) => typeof one === "string");
        if (typeof text === "string" && data.fatal !== true) this.notice(text, String(data.code ?? ""));
      },
      onBotLlmStarted: () => this.conversation.botStarted(),
      onBotLlmText: ({ text }) => this.conversation.botSaid(text),
      onBotLlmStopped: () => this.conversation.botStopped(),
      onBotOutput: ({ text, aggregated_by }) => {
        if (aggregated_by !== "word" && aggregated_by !== "token") this.conversation.botPutOut(text);
      },
      onBotTtsText: ({ text }) => this.conversation.botSpoke(text),
      onBotStartedSpeaking: () => this.speaks({ bot: true }),
      onBotStoppedSpeaking: () => this.speaks({ bot: false }),
      onUserStartedSpeaking: () => this.speaks({ you: true }),
      onUserStoppedSpeaking: () => this.speaks({ you: false }),
      onUserMuteStarted: () => this.speaks({ isDeaf: true }),
      onUserMuteStopped: () => this.speaks({ isDeaf: false }),
      onUserTranscript: ({ text, final }) => this.conversation.heard(text, final),
      onUIJobGroup: (data) => this.jobs.report(data),
      onUICommand: ({ command, payload }) => this.page.command(command, payload),
      onMetrics: (data) => this.metrics.report(data),
      onServerMessage: (data) => this.serverMessage(data),
      onLLMFunctionCallInProgress: (data) => {
        if (data.function_name) this.functions.begin(data.tool_call_id, data.function_name, data.arguments);
      },
      onLLMFunctionCallStopped: (data) => this.functions.end(data.tool_call_id, data.cancelled),
    };
  }

  private speaks(change: Partial<Speech>): void {
    this.speech.update((speech) => ({ ...speech, ...change }));
    if (change.bot !== undefined) this.conversation.botIsHeard(change.bot);
  }

  private serverMessage(data: unknown): void {
    if (isObject(data) && data.type === "config-changed") this.configuration.changedByBot(data.config);
    this.page.serverMessage(data);
  }
}

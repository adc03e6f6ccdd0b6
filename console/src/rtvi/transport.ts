import type { PipecatClientOptions, RTVIMessage } from "@pipecat-ai/client-js";
import { WebSocketTransport } from "@pipecat-ai/websocket-transport";
import { Frames } from "./frames";
import { loudness } from "./loudness";
import type { MediaOnDemand } from "./media";

export interface Tap {
  sent(message: RTVIMessage): void;
  received(message: RTVIMessage): void;
  /** The socket closed by itself, with this code; undefined when there was none. */
  closed(code: number | undefined): void;
}

/** The published transport, with a tap at both of its ends. */
export class TappedTransport extends WebSocketTransport {
  constructor(
    private readonly media: MediaOnDemand,
    private readonly tap: Tap,
    private readonly frames = new Frames((rate) => {
      media.soundRate = rate;
    }),
  ) {
    super({ mediaManager: media, serializer: frames });
  }

  /** Wait until all that came before now was told. */
  async settled(): Promise<void> {
    await this.frames.read;
    await new Promise((resolve) => setTimeout(resolve));
  }

  override initialize(options: PipecatClientOptions, messageHandler: (message: RTVIMessage) => void): void {
    super.initialize(options, (message) => {
      this.tap.received(message);
      messageHandler(message);
    });
  }

  override sendMessage(message: RTVIMessage): void {
    this.tap.sent(message);
    super.sendMessage(message);
  }

  override connectionError(text: string): void {
    const code = /Code: (\d+)/.exec(text)?.[1];
    this.tap.closed(code === undefined ? undefined : Number(code));
    super.connectionError(text);
  }

  override handleUserAudioStream(data: ArrayBuffer): void {
    // Called by the recorder, which the constructor of the parent sets up before ours has run.
    this.media?.measured("microphone", loudness(new Int16Array(data), 32_768));
    super.handleUserAudioStream(data);
  }
}

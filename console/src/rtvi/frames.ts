import { ProtobufFrameSerializer } from "@pipecat-ai/websocket-transport";

/** Numbers of fields in Pipecat's frames.proto: the sound in a frame, and its samples a second. */
const AUDIO = 2;
const SAMPLE_RATE = 4;

/** The transport's frames; the published class drops how many samples a second the bot's sound has. */
export class Frames extends ProtobufFrameSerializer {
  constructor(private readonly told: (soundRate: number) => void) {
    super();
  }

  /** When what has come so far is read: a socket may close before its last words are. */
  read: Promise<unknown> = Promise.resolve();

  override deserialize(data: Blob): ReturnType<ProtobufFrameSerializer["deserialize"]> {
    const frame = this.frameOf(data);
    this.read = Promise.allSettled([this.read, frame]);
    return frame;
  }

  private async frameOf(data: Blob): ReturnType<ProtobufFrameSerializer["deserialize"]> {
    const [frame, bytes] = await Promise.all([super.deserialize(data), data.arrayBuffer()]);
    if (frame.type === "audio") {
      const audio = field(new Uint8Array(bytes), AUDIO);
      const rate = audio instanceof Uint8Array ? field(audio, SAMPLE_RATE) : 0;
      if (typeof rate === "number" && rate > 0) this.told(rate);
    }
    return frame;
  }
}

/** The value of a field in a protobuf message, as far as one is there: a number, or the bytes of what has a length. */
function field(bytes: Uint8Array, wanted: number): number | Uint8Array | undefined {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag & 7;
    let value: number | Uint8Array | undefined;
    if (kind === 0) value = varint();
    else if (kind === 2) {
      const length = varint();
      value = bytes.subarray(at, at + length);
      at += length;
    } else if (kind === 1 || kind === 5) at += kind === 1 ? 8 : 4;
    else return undefined;
    if (tag >>> 3 === wanted) return value;
  }
  return undefined;
}

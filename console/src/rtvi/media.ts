import { WavMediaManager } from "@pipecat-ai/websocket-transport";
import type { Choice, Devices } from "./devices";
import { loudness } from "./loudness";
import { Store } from "./store";

/** Samples a chunk, and a second: the transport's own defaults for what the microphone records. */
const CHUNK_SAMPLES = 512;
const RECORDER_RATE = 16_000;
/** What the speaker's level is measured over, and how often. */
const LEVEL_SAMPLES = 2048;
const LEVEL_EVERY_MS = 50;
/** The sound that is kept while the browser will not play it. */
const MOST_WAITING_S = 30;

/** What the published class holds inside; the lock file pins the version this was read from. */
interface Inside {
  _initialized: boolean;
  _wavRecorder: {
    source: MediaStreamAudioSourceNode | null;
    stream: MediaStream | null;
    begin(deviceId: string): Promise<unknown>;
    end(): Promise<unknown>;
    getStatus(): "ended" | "paused" | "recording";
    listenForDeviceErrors(listener: (fault: { error?: unknown }) => void): void;
  };
  _wavStreamPlayer: {
    sampleRate: number;
    context: AudioContext | null;
    analyser: AnalyserNode | null;
    stream: AudioWorkletNode | null;
    connect(): Promise<unknown>;
  };
}

/** Choosing where sound goes, which not every browser lets a page do. */
interface Sink {
  sinkId?: string;
  setSinkId?(id: string): Promise<void>;
}

export interface Levels {
  /** Loudness from 0 to 1. */
  microphone: number;
  speaker: number;
}

export interface Microphone {
  state: "off" | "opening" | "on" | "muted";
  /** Why it cannot be used. */
  fault: string;
}

/**
 * The transport's media manager, which asks for the microphone and the speaker only when they are wanted: the published one
 * asks for the microphone whenever it connects.
 */
export class MediaOnDemand extends WavMediaManager {
  readonly levels = new Store<Levels>({ microphone: 0, speaker: 0 });
  readonly microphone = new Store<Microphone>({ state: "off", fault: "" });
  /** Whether the bot has sent sound that the browser will not play before somebody touches the page. */
  readonly isSoundBlocked = new Store(false);
  /** Whether the microphone was last turned on, not off; outlives the connection. */
  isMicrophoneWanted = false;
  /** Samples a second of the bot's sound, as its frames say. */
  soundRate = 24_000;
  private player: "absent" | "connecting" | "connected" | "closed" = "absent";
  private waiting: Int16Array[] = [];
  private measuring: ReturnType<typeof setInterval> | undefined;
  private fault: unknown;
  private used: Choice = { microphone: "", speaker: "" };
  private readonly unsubscribe: () => void;

  constructor(private readonly devices: Devices) {
    super(CHUNK_SAMPLES, RECORDER_RATE);
    this.inside._wavRecorder.listenForDeviceErrors(({ error }) => {
      this.fault = error;
    });
    this.unsubscribe = devices.choice.subscribe(() => void this.applyChoice());
  }

  private get inside(): Inside {
    return this as unknown as Inside;
  }

  override async initialize(): Promise<void> {
    this.inside._initialized = true;
  }

  override async disconnect(): Promise<void> {
    const { _wavRecorder: recorder, _wavStreamPlayer: player } = this.inside;
    clearInterval(this.measuring);
    this.unsubscribe();
    // Its worklet is being loaded: `connectPlayer` closes it after that. Closed now, the published class would complain.
    const isLoading = this.player === "connecting" && player.context?.state === "running";
    this.player = "closed";
    this.waiting = [];
    this.microphone.set({ state: "off", fault: "" });
    this.levels.set({ microphone: 0, speaker: 0 });
    this.inside._initialized = false;
    const heard = recorder.source?.context as AudioContext | undefined;
    if (recorder.getStatus() !== "ended") await recorder.end();
    await heard?.close();
    if (!isLoading && player.context && player.context.state !== "closed") await player.context.close();
  }

  /** Turn the microphone on or off; `microphone` says what came of it. */
  override async enableMic(enable: boolean): Promise<void> {
    const { _wavRecorder: recorder } = this.inside;
    this.isMicrophoneWanted = enable;
    if (!enable && recorder.getStatus() !== "recording") return;
    try {
      if (enable && recorder.getStatus() === "ended") {
        this.microphone.set({ state: "opening", fault: "" });
        await this.beginRecording();
      }
      await super.enableMic(enable);
    } catch (reason) {
      this.isMicrophoneWanted = false;
      this.microphone.set({ state: "off", fault: microphoneFault(this.fault ?? reason) });
      return;
    }
    this.microphone.set({ state: enable ? "on" : "muted", fault: "" });
    if (!enable) this.measured("microphone", 0);
  }

  override bufferBotAudio(data: ArrayBuffer | Int16Array, id?: string): Int16Array {
    const samples = data instanceof Int16Array ? data : new Int16Array(data);
    if (this.player === "connected") return super.bufferBotAudio(samples, id);
    if (this.player === "closed") return samples;
    this.waiting.push(samples);
    const most = MOST_WAITING_S * this.soundRate;
    for (let held = this.waiting.reduce((sum, one) => sum + one.length, 0); held > most; ) {
      held -= this.waiting.shift()?.length ?? held;
    }
    if (this.player === "absent") void this.connectPlayer();
    return samples;
  }

  /** Open the microphone that was chosen, or the system's own where that cannot be used. */
  private async beginRecording(): Promise<void> {
    const { _wavRecorder: recorder } = this.inside;
    const { microphone } = this.devices.choice.get();
    this.used = { ...this.used, microphone };
    try {
      // Without an id the published class would take the one that it had before; an empty one is the system's own.
      await recorder.begin(microphone);
    } catch (reason) {
      const { name } = (this.fault ?? reason ?? {}) as { name?: string };
      if (!microphone || name === "NotAllowedError") throw reason;
      this.fault = undefined;
      this.used = { ...this.used, microphone: "" };
      this.devices.refuse("microphone", microphone);
      await recorder.begin("");
    }
    for (const track of recorder.stream?.getAudioTracks() ?? []) track.onended = () => void this.microphoneEnded();
    void this.devices.refresh(); // the browser names them now
  }

  /** The microphone was unplugged, or the browser took it away again. */
  private async microphoneEnded(): Promise<void> {
    if (this.player === "closed" || this.microphone.get().state !== "on") return;
    const { microphone } = this.devices.choice.get();
    await this.devices.refresh();
    // Where that was the chosen one, another choice has been made, and is followed already.
    if (this.devices.choice.get().microphone === microphone) await this.reopenMicrophone();
  }

  private async reopenMicrophone(): Promise<void> {
    const { _wavRecorder: recorder } = this.inside;
    const heard = recorder.source?.context as AudioContext | undefined;
    for (const track of recorder.stream?.getAudioTracks() ?? []) track.onended = null;
    if (recorder.getStatus() !== "ended") await recorder.end();
    await heard?.close();
    if (this.microphone.get().state === "on") await this.enableMic(true);
    else this.microphone.set({ state: "off", fault: "" });
  }

  /** Another device was chosen, or one of those in use has gone. */
  private async applyChoice(): Promise<void> {
    const { microphone, speaker } = this.devices.choice.get();
    const { microphone: before, speaker: spoken } = this.used;
    this.used = { microphone, speaker };
    if (microphone !== before && this.inside._wavRecorder.getStatus() !== "ended") await this.reopenMicrophone();
    if (speaker !== spoken && this.player === "connected") await this.applySpeaker();
  }

  private async applySpeaker(): Promise<void> {
    const { speaker } = this.devices.choice.get();
    const context = this.inside._wavStreamPlayer.context as (AudioContext & Sink) | null;
    this.used = { ...this.used, speaker };
    if (!context?.setSinkId || context.sinkId === speaker) return;
    await context.setSinkId(speaker).catch(() => this.devices.refuse("speaker", speaker));
  }

  /** Stop playing what came so far: the bot was interrupted. */
  silence(): void {
    this.waiting = [];
    // The published class's own `interrupt` would also keep whatever comes later from being played.
    this.inside._wavStreamPlayer.stream?.port.postMessage({ event: "interrupt", requestId: "" });
  }

  /** Play what waits; to be called when somebody has touched the page. */
  async unblock(): Promise<void> {
    await this.inside._wavStreamPlayer.context?.resume();
  }

  measured(side: keyof Levels, level: number): void {
    if (this.levels.get()[side] !== level) this.levels.update((levels) => ({ ...levels, [side]: level }));
  }

  private async connectPlayer(): Promise<void> {
    const { _wavStreamPlayer: player } = this.inside;
    this.player = "connecting";
    player.sampleRate = this.soundRate;
    const blocked = setTimeout(() => this.isSoundBlocked.set(true), 500);
    try {
      await player.connect();
    } catch {
      return; // the browser's console has the reason; there is no sound then
    } finally {
      clearTimeout(blocked);
      this.isSoundBlocked.set(false);
    }
    if ((this.player as string) === "closed") {
      await player.context?.close();
      return;
    }
    await this.applySpeaker();
    this.player = "connected";
    this.measuring = setInterval(() => this.measureSpeaker(), LEVEL_EVERY_MS);
    for (const samples of this.waiting.splice(0)) super.bufferBotAudio(samples);
  }

  private measureSpeaker(): void {
    const { analyser, stream } = this.inside._wavStreamPlayer;
    if (!analyser || !stream) {
      this.measured("speaker", 0);
      return;
    }
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    this.measured("speaker", loudness(samples.subarray(-LEVEL_SAMPLES), 1));
  }
}

/** Say for people why there is no microphone. */
function microphoneFault(reason: unknown): string {
  if (!window.isSecureContext) {
    return "The browser gives no microphone to this address: open the page over https, or as localhost.";
  }
  const { name } = (reason ?? {}) as { name?: string };
  if (name === "NotAllowedError")
    return "The browser does not let this page use the microphone; allow it beside the address.";
  if (name === "NotFoundError") return "There is no microphone.";
  if (name === "NotReadableError") return "Another program has the microphone.";
  return "The microphone cannot be used.";
}

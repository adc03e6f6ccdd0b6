import { Store } from "./store";

/** A microphone or a loudspeaker. The browser names it only to pages that may listen. */
export interface Device {
  id: string;
  label: string;
}

export interface DeviceLists {
  microphones: readonly Device[];
  speakers: readonly Device[];
}

/** What was chosen; empty: what the system uses. */
export interface Choice {
  microphone: string;
  speaker: string;
}

const NONE: DeviceLists = { microphones: [], speakers: [] };

/** The devices of this machine as they come and go, and which of them were chosen; outlives the connections. */
export class Devices {
  readonly lists = new Store<DeviceLists>(NONE);
  readonly choice = new Store<Choice>({ microphone: "", speaker: "" });
  /** What happened to a device that was chosen. */
  readonly note = new Store("");

  constructor() {
    // There are no devices for pages that are neither local nor over https.
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refresh());
    void this.refresh();
  }

  /** Whether the browser lets a page choose where its sound goes. */
  get canChooseSpeaker(): boolean {
    return "setSinkId" in AudioContext.prototype;
  }

  /** Look again: devices come and go, and have names once the page may listen. */
  async refresh(): Promise<void> {
    const found = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
    if (!found) return;
    const before = this.lists.get();
    this.lists.set({ microphones: named(found, "audioinput"), speakers: named(found, "audiooutput") });
    this.dropWhatIsGone("microphone", before.microphones, this.lists.get().microphones);
    this.dropWhatIsGone("speaker", before.speakers, this.lists.get().speakers);
  }

  choose(side: keyof Choice, id: string): void {
    this.note.set("");
    this.choice.update((choice) => ({ ...choice, [side]: id }));
  }

  /** A device could not be used: what the system uses does instead. */
  refuse(side: keyof Choice, id: string): void {
    const { microphones, speakers } = this.lists.get();
    const device = (side === "microphone" ? microphones : speakers).find((one) => one.id === id);
    if (this.choice.get()[side] === id) this.choice.update((choice) => ({ ...choice, [side]: "" }));
    this.note.set(`${device?.label ?? "That device"} cannot be used; the system's own ${side} is.`);
  }

  private dropWhatIsGone(side: keyof Choice, before: readonly Device[], now: readonly Device[]): void {
    const chosen = this.choice.get()[side];
    if (!chosen || now.some((device) => device.id === chosen)) return;
    this.choice.update((choice) => ({ ...choice, [side]: "" }));
    const gone = before.find((device) => device.id === chosen);
    this.note.set(`${gone?.label ?? "The device"} is gone; the system's own ${side} is used now.`);
  }
}

/** Those with a name; the browser's entry for the default is a choice of its own in the page. */
function named(devices: MediaDeviceInfo[], kind: MediaDeviceKind): Device[] {
  return devices
    .filter((one) => one.kind === kind && one.label && one.deviceId !== "default" && one.deviceId !== "communications")
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

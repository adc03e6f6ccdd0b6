import { MicIcon, MicOffIcon, SpeakerIcon } from "../parts/icons";
import { useSession } from "../parts/session_context";
import type { Levels, MediaOnDemand, Microphone as MicrophoneState } from "../rtvi/media";
import type { Speech } from "../rtvi/session";
import { Store, useStore } from "../rtvi/store";
import { DeviceChoice } from "./device_choice";

const SILENCE = new Store<Levels>({ microphone: 0, speaker: 0 });
const NOT_BLOCKED = new Store(false);
const OFF = new Store<MicrophoneState>({ state: "off", fault: "" });

/** Microphone and speaker, or why there are none. */
export function Voice() {
  const session = useSession();
  const { audioIn, audioOut } = useStore(session.capabilities);
  const media = useStore(session.connection.media);
  const isDescribed = useStore(session.isDescribed);
  if (!isDescribed) return null;
  if (audioIn === false && audioOut === false) {
    return <p className="voice-note">This bot works by text; on this host it neither hears nor speaks.</p>;
  }
  return (
    <section className="voice" aria-label="voice">
      {audioIn !== false && <Microphone media={media} isSure={audioIn === true} />}
      {audioOut !== false && <Speaker media={media} />}
      <DeviceChoice hasMicrophone={audioIn !== false} hasSpeaker={audioOut !== false} />
    </section>
  );
}

/** isSure: the bot said that it hears; older hosts do not tell. */
function Microphone({ media, isSure }: { media: MediaOnDemand | null; isSure: boolean }) {
  const session = useSession();
  const levels = useStore(media?.levels ?? SILENCE);
  const { state, fault } = useStore(media?.microphone ?? OFF);
  const speech = useStore(session.speech);
  const { bot } = useStore(session.description);
  const isOn = state === "on";
  const label = { off: "Turn on microphone", opening: "Turning on…", on: "Mute", muted: "Unmute" }[state];
  return (
    <div className={`voice-side is-${state}`}>
      <button
        type="button"
        className={isOn || !isSure ? "plain" : "primary"}
        disabled={!media || state === "opening"}
        onClick={() => void media?.enableMic(!isOn)}
      >
        {isOn || state === "off" ? <MicIcon /> : <MicOffIcon />} {label}
      </button>
      <Meter label="microphone" level={isOn ? levels.microphone : 0} />
      {fault ? (
        <p className="fault" role="alert">
          {fault}
        </p>
      ) : (
        <p className="voice-state">{told(state, speech, bot || "The bot", isSure)}</p>
      )}
    </div>
  );
}

/** What is happening just now, and what one can do. */
function told(state: MicrophoneState["state"], speech: Speech, bot: string, isSure: boolean): string {
  if (state === "opening") return "The browser asks whether this page may listen.";
  if (state === "muted") return "Muted: the bot hears nothing.";
  if (speech.bot) return `${bot} is speaking.`;
  if (state === "off") return isSure ? "" : "This bot does not say whether it hears.";
  if (speech.isDeaf) return "The bot does not listen just now.";
  return speech.you ? "The bot hears you." : "Listening: speak now.";
}

function Speaker({ media }: { media: MediaOnDemand | null }) {
  const levels = useStore(media?.levels ?? SILENCE);
  const isBlocked = useStore(media?.isSoundBlocked ?? NOT_BLOCKED);
  return (
    <div className="voice-side">
      {isBlocked && (
        <button type="button" className="primary" onClick={() => void media?.unblock()}>
          Play sound
        </button>
      )}
      <span className="voice-label">
        <SpeakerIcon /> Bot
      </span>
      <Meter label="bot" level={levels.speaker} />
    </div>
  );
}

function Meter({ label, level }: { label: string; level: number }) {
  return <meter className="meter" aria-label={`loudness, ${label}`} min={0} max={1} value={level} />;
}

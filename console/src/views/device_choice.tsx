import { useId } from "react";
import { useSession } from "../parts/session_context";
import type { Device } from "../rtvi/devices";
import { useStore } from "../rtvi/store";

/** Which microphone and which loudspeaker, where there is something to choose. */
export function DeviceChoice({ hasMicrophone, hasSpeaker }: { hasMicrophone: boolean; hasSpeaker: boolean }) {
  const { devices } = useSession();
  const { microphones, speakers } = useStore(devices.lists);
  const { microphone, speaker } = useStore(devices.choice);
  const note = useStore(devices.note);
  const isNamed = microphones.length + speakers.length > 0;
  if (!hasMicrophone && !devices.canChooseSpeaker) return null;
  return (
    <div className="devices">
      <details>
        <summary>Devices</summary>
        <div className="devices-choice">
          {!isNamed && <p className="muted">The browser names them once this page may use the microphone.</p>}
          {isNamed && hasMicrophone && (
            <DeviceSelect
              label="Microphone"
              devices={microphones}
              value={microphone}
              onChange={(id) => devices.choose("microphone", id)}
            />
          )}
          {isNamed && hasSpeaker && devices.canChooseSpeaker && (
            <DeviceSelect
              label="Loudspeaker"
              devices={speakers}
              value={speaker}
              onChange={(id) => devices.choose("speaker", id)}
            />
          )}
          {isNamed && hasSpeaker && !devices.canChooseSpeaker && (
            <p className="muted">This browser plays on the loudspeaker that the system has chosen.</p>
          )}
        </div>
      </details>
      <p className="devices-note" role="status">
        {note}
      </p>
    </div>
  );
}

interface Props {
  label: string;
  devices: readonly Device[];
  value: string;
  onChange: (id: string) => void;
}

function DeviceSelect({ label, devices, value, onChange }: Props) {
  const id = useId();
  return (
    <p>
      <label htmlFor={id}>{label}</label>
      <select id={id} className="control" value={value} onChange={({ target }) => onChange(target.value)}>
        <option value="">the system's own</option>
        {devices.map((device) => (
          <option key={device.id} value={device.id}>
            {device.label}
          </option>
        ))}
      </select>
    </p>
  );
}

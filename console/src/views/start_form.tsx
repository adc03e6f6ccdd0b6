import { useCallback, useMemo, useState } from "react";
import { begun } from "../forms/begun";
import { drawable } from "../forms/drawable";
import { faultsOf } from "../forms/faults";
import { SchemaForm } from "../forms/schema_form";
import { useSession } from "../parts/session_context";
import type { JsonObject } from "../rtvi/json";
import { useStore } from "../rtvi/store";

/** What the bot wants to be told before its session begins. `fault`: why it refused what it was told before. */
export function StartForm({ fault }: { fault: string }) {
  const { connection } = useSession();
  const original = useStore(connection.startSchema);
  const told = useStore(connection.startFaults);
  const listed = useStore(connection.listed);
  const schema = useMemo(() => drawable(original, "#"), [original]);
  const judge = useCallback((value: unknown) => faultsOf(original, value), [original]);
  const [value, setValue] = useState<JsonObject>(() => connection.startData ?? begun(schema));
  const [isAttempted, setAttempted] = useState(fault !== "");
  return (
    <section className="card start" aria-labelledby="before-start">
      <header className="card-head">
        <h2 id="before-start">Before it starts</h2>
        <p className="muted">{listed?.bot || "This bot"} asks for this with the start of a session.</p>
      </header>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      <SchemaForm
        id="start"
        schema={schema}
        judge={judge}
        value={value}
        faults={told}
        tellsMissing={isAttempted}
        onChange={setValue}
        onSubmit={(given) => connection.start(given)}
        onFaulty={() => setAttempted(true)}
      >
        <div className="form-actions">
          <button type="submit" className="primary">
            Start
          </button>
        </div>
      </SchemaForm>
    </section>
  );
}

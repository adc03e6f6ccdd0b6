import { type ReactNode, useCallback, useMemo, useState } from "react";
import { begun } from "../forms/begun";
import { drawable } from "../forms/drawable";
import { faultsOf } from "../forms/faults";
import { SchemaForm } from "../forms/schema_form";
import type { JsonObject, Schema } from "../rtvi/json";
import { isObject } from "../rtvi/json";

interface Props {
  id: string;
  /** The schema of one value of any type. */
  schema: Schema;
  isDisabled?: boolean;
  onSubmit: (value: unknown) => void;
  children: ReactNode;
}

/** A form for one value of any type, not only for objects. */
export function ValueForm({ id, schema: original, isDisabled, onSubmit, children }: Props) {
  const schema = useMemo(() => {
    const drawn = drawable(original, "#/$defs/value");
    return { type: "object", properties: { value: drawn }, required: ["value"], $defs: { value: drawn } };
  }, [original]);
  const judge = useCallback(
    (form: unknown) => {
      const value = isObject(form) ? form.value : undefined;
      return faultsOf(original, value ?? null).map((fault) => ({ ...fault, path: ["value", ...fault.path] }));
    },
    [original],
  );
  const [form, setForm] = useState<JsonObject>(() => begun(schema));
  const [isAttempted, setAttempted] = useState(false);
  return (
    <SchemaForm
      id={id}
      schema={schema}
      judge={judge}
      value={form}
      whole="value"
      keepsEmpty
      tellsMissing={isAttempted}
      isDisabled={isDisabled}
      onChange={setForm}
      onSubmit={(given) => onSubmit(given.value ?? null)}
      onFaulty={() => setAttempted(true)}
    >
      <div className="form-actions">{children}</div>
    </SchemaForm>
  );
}

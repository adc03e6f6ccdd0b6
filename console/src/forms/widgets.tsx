import { getDefaultRegistry } from "@rjsf/core";
import type { RJSFSchema, WidgetProps } from "@rjsf/utils";
import { type ComponentType, useId, useState } from "react";
import { short } from "../rtvi/json";
import type { FormContext } from "./context";

const LONG_TEXT = 120;

type Props = WidgetProps<unknown>;

function contextOf(props: Props): FormContext {
  return props.registry.formContext as FormContext;
}

/** The facts of an outermost field: its id is the prefix and its name. */
function described(props: Props): { [name: string]: unknown } {
  const { id, rawErrors } = props;
  return {
    "aria-describedby": `${id}__description ${id}__bounds ${id}__error`,
    "aria-invalid": rawErrors && rawErrors.length > 0 ? true : undefined,
  };
}

/** What an emptied text field means. */
function emptied(props: Props): string | undefined {
  return contextOf(props).keepsEmpty || props.required ? "" : undefined;
}

export function TextWidget(props: Props) {
  const { schema } = props;
  if (schema.const !== undefined) return <output id={props.id}>{short(schema.const)}</output>;
  if (schema.type === "number" || schema.type === "integer") return <NumberWidget {...props} />;
  const isLong = typeof schema.maxLength === "number" && schema.maxLength > LONG_TEXT;
  const isMultiline = schema.format === "textarea" || String(schema.contentMediaType ?? "").startsWith("text/");
  if (isLong || isMultiline || String(props.value ?? "").includes("\n")) return <TextareaWidget {...props} />;
  return <InputWidget {...props} type={INPUT_TYPES[schema.format ?? ""] ?? "text"} />;
}

const INPUT_TYPES: { [format: string]: string } = { email: "email", uri: "url", date: "date", color: "color" };
const EXAMPLES: { [format: string]: string } = {
  "date-time": "2030-01-31T12:00:00Z",
  time: "12:00:00Z",
  duration: "PT15M",
  uuid: "123e4567-e89b-12d3-a456-426614174000",
};

function InputWidget({ type, ...props }: Props & { type: string }) {
  const { id, value, disabled, readonly, onChange, onBlur, onFocus, schema } = props;
  const names = props.schema.examples as unknown[] | undefined;
  return (
    <>
      <input
        {...described(props)}
        id={id}
        name={id}
        type={type}
        className="control"
        value={value == null ? "" : String(value)}
        disabled={disabled}
        readOnly={readonly}
        placeholder={props.placeholder || EXAMPLES[schema.format ?? ""]}
        autoComplete="off"
        spellCheck={type === "text" && !schema.format && !schema.pattern}
        list={Array.isArray(names) ? `${id}__examples` : undefined}
        onChange={({ target }) => onChange(target.value === "" ? emptied(props) : target.value)}
        onBlur={({ target }) => onBlur(id, target.value)}
        onFocus={({ target }) => onFocus(id, target.value)}
      />
      {Array.isArray(names) && (
        <datalist id={`${id}__examples`}>
          {names.map((name) => (
            <option key={String(name)} value={String(name)} />
          ))}
        </datalist>
      )}
    </>
  );
}

export function TextareaWidget(props: Props) {
  const { id, value, disabled, readonly, onChange, onBlur, onFocus } = props;
  return (
    <textarea
      {...described(props)}
      id={id}
      name={id}
      className="control"
      rows={3}
      value={value == null ? "" : String(value)}
      disabled={disabled}
      readOnly={readonly}
      onChange={({ target }) => onChange(target.value === "" ? emptied(props) : target.value)}
      onBlur={({ target }) => onBlur(id, target.value)}
      onFocus={({ target }) => onFocus(id, target.value)}
    />
  );
}

/** Whether a number has two bounds to slide between. */
export function hasSlider({ type, minimum, maximum }: RJSFSchema): boolean {
  const isNumber = type === "number" || type === "integer";
  return isNumber && minimum !== undefined && maximum !== undefined && maximum > minimum;
}

/** A number with its unit, and a slider beside it where it has two bounds. */
function NumberWidget(props: Props) {
  const { id, value, disabled, readonly, onChange, onBlur, onFocus, schema, label } = props;
  const { minimum = 0, maximum = 0, multipleOf } = schema;
  const unit = (schema as { "x-unit"?: string })["x-unit"];
  const step = multipleOf ?? (schema.type === "integer" ? 1 : undefined);
  const isSlid = hasSlider(schema);
  // While it is typed, a number may be a text such as `1.`; any other text belongs to another form of the value.
  const isNumber = typeof value === "number" || (typeof value === "string" && Number.isFinite(Number(value)));
  const shown = isNumber ? String(value) : "";
  return (
    <div className="number">
      {isSlid && (
        <input
          type="range"
          aria-label={`${label}, slider`}
          className={shown === "" ? "is-unset" : undefined}
          min={minimum}
          max={maximum}
          step={step ?? (maximum - minimum) / 100}
          value={shown === "" ? String(minimum) : shown}
          disabled={disabled || readonly}
          onChange={({ target }) => onChange(tidied(target.value))}
        />
      )}
      <span className="number-field">
        <input
          {...described(props)}
          id={id}
          name={id}
          type="number"
          className="control"
          min={schema.minimum}
          max={schema.maximum}
          step={step ?? "any"}
          value={shown}
          disabled={disabled}
          readOnly={readonly}
          onChange={({ target }) => onChange(target.value === "" ? undefined : target.value)}
          onBlur={({ target }) => onBlur(id, target.value)}
          onFocus={({ target }) => onFocus(id, target.value)}
        />
        {unit && <span className="unit">{unit}</span>}
      </span>
      {isSlid && (
        <span className="bounds">
          {minimum} to {maximum}
        </span>
      )}
    </div>
  );
}

/** The number that a slider gives, without the dust of its fractions. */
function tidied(text: string): string {
  return String(Number(Number(text).toPrecision(6)));
}

export function SwitchWidget(props: Props) {
  const { id, value, disabled, readonly, onChange, onBlur, onFocus } = props;
  if (props.schema.const !== undefined) return <output id={id}>{short(props.schema.const)}</output>;
  return (
    <span className="switch">
      <input
        {...described(props)}
        id={id}
        name={id}
        type="checkbox"
        role="switch"
        checked={value === true}
        aria-checked={value === true}
        disabled={disabled || readonly}
        onChange={({ target }) => onChange(target.checked)}
        onBlur={({ target }) => onBlur(id, target.checked)}
        onFocus={({ target }) => onFocus(id, target.checked)}
      />
      <span aria-hidden="true" className="switch-word">
        {value === true ? "on" : value === false ? "off" : "not set"}
      </span>
    </span>
  );
}

const library = getDefaultRegistry().widgets as { [name: string]: ComponentType<Props> };
const LibrarySelect = library.SelectWidget as ComponentType<Props>;
const LibraryCheckboxes = library.CheckboxesWidget as ComponentType<Props>;

/** One out of several; several out of several are boxes to tick. */
export function SelectWidget(props: Props) {
  if (props.schema.const !== undefined) return <output id={props.id}>{short(props.schema.const)}</output>;
  if (!props.multiple) return <LibrarySelect {...props} />;
  return (
    <fieldset className="ticks" aria-label={props.label}>
      <LibraryCheckboxes {...props} options={{ ...props.options, inline: true }} />
    </fieldset>
  );
}

/** A value that is sent and never shown. */
export function SecretWidget(props: Props) {
  const { id, value, disabled, readonly, onChange, onBlur, onFocus } = props;
  const [isShown, setShown] = useState(false);
  return (
    <span className="secret">
      <input
        {...described(props)}
        id={id}
        name={id}
        type={isShown ? "text" : "password"}
        className="control"
        value={value == null ? "" : String(value)}
        placeholder="unchanged"
        autoComplete="new-password"
        spellCheck={false}
        disabled={disabled}
        readOnly={readonly}
        onChange={({ target }) => onChange(target.value === "" ? undefined : target.value)}
        onBlur={() => onBlur(id, undefined)}
        onFocus={() => onFocus(id, undefined)}
      />
      <button
        type="button"
        className="plain"
        aria-pressed={isShown}
        disabled={disabled}
        onClick={() => setShown(!isShown)}
      >
        {isShown ? "Hide" : "Show"}
      </button>
    </span>
  );
}

/** Any JSON value, as text. What is no JSON yet is kept here and not handed on. */
export function JsonEditor(props: {
  id?: string;
  value: unknown;
  label: string;
  disabled?: boolean;
  isInvalid?: boolean;
  describedBy?: string;
  onChange: (value: unknown) => void;
}) {
  const { value, onChange } = props;
  const ownId = useId();
  const id = props.id ?? ownId;
  const [draft, setDraft] = useState<{ text: string; value: unknown } | null>(null);
  const [fault, setFault] = useState("");
  // A value from elsewhere replaces what was typed.
  const isDraftOfValue = draft !== null && JSON.stringify(draft.value) === JSON.stringify(value);
  const text = isDraftOfValue ? draft.text : value === undefined ? "" : JSON.stringify(value, null, 2);
  const type = (typed: string) => {
    if (typed.trim() === "") {
      setFault("");
      setDraft({ text: typed, value: undefined });
      onChange(undefined);
      return;
    }
    try {
      const read: unknown = JSON.parse(typed);
      setFault("");
      setDraft({ text: typed, value: read });
      onChange(read);
    } catch {
      setFault("not JSON yet; texts stand in double quotes");
      setDraft({ text: typed, value });
    }
  };
  return (
    <>
      <textarea
        id={id}
        className="control code"
        aria-label={props.label}
        aria-invalid={Boolean(fault) || props.isInvalid || undefined}
        aria-describedby={`${props.describedBy ?? ""} ${id}-json`.trim()}
        rows={Math.min(12, Math.max(2, text.split("\n").length))}
        value={text}
        placeholder="JSON"
        spellCheck={false}
        disabled={props.disabled}
        onChange={({ target }) => type(target.value)}
      />
      <span id={`${id}-json`} className={fault ? "fault" : "visually-hidden"}>
        {fault || "JSON"}
      </span>
    </>
  );
}

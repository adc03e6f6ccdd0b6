import type { FieldProps, RJSFSchema } from "@rjsf/utils";
import { useState } from "react";
import type { JsonObject } from "../rtvi/json";
import { isObject } from "../rtvi/json";
import { begun } from "./begun";
import type { FormContext } from "./context";

type Props = FieldProps<unknown>;

/**
 * One of several forms (`anyOf`, `oneOf`, a list of types): which one, and its own field.
 *
 * The library's own field carries a value over from one form to the next where it does not fit; here a form that is picked
 * begins with a value of its own.
 */
export function ChoiceField(props: Props) {
  const { options: given, formData, registry, fieldPathId, name, disabled, readonly, onChange } = props;
  const { schemaUtils, rootSchema } = registry;
  const options = (given as unknown as RJSFSchema[]).map((one) => schemaUtils.retrieveSchema(one, formData));
  const [picked, setPicked] = useState<number | null>(null);
  const isKind = (option: RJSFSchema | undefined) => option !== undefined && isOfKind(option, formData);
  const validator = schemaUtils.getValidator();
  const fitting = options.findIndex((option) => isKind(option) && validator.isValid(option, formData, rootSchema));
  const likely = fitting >= 0 ? fitting : Math.max(0, options.findIndex(isKind));
  const selected = picked !== null && isKind(options[picked]) ? picked : likely;
  const option = options[selected];
  const { SchemaField } = registry.fields;
  const isFixed = option?.const !== undefined || option?.type === "null";
  // What is known of the row stands beside the choice, not once more at what was chosen.
  const inner = { ...registry, formContext: { ...(registry.formContext as FormContext), facts: {} } };
  if (!SchemaField) return null;
  return (
    <div className="choice">
      <label className="choice-kind">
        <span>kind</span>
        <select
          aria-label={`kind of ${name || "value"}`}
          value={selected}
          disabled={disabled || readonly}
          onChange={({ target }) => {
            const next = Number(target.value);
            setPicked(next);
            onChange(beginning(options[next] ?? {}, rootSchema), fieldPathId.path);
          }}
        >
          {options.map((one, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: forms are told apart by their place alone
            <option key={index} value={index}>
              {one.title ?? `form ${index + 1}`}
            </option>
          ))}
        </select>
      </label>
      {option && !isFixed && (
        <div className="choice-value">
          <SchemaField {...props} key={selected} schema={option} registry={inner} />
        </div>
      )}
    </div>
  );
}

/** What a form begins with when it is picked. */
function beginning(option: RJSFSchema, root: RJSFSchema): unknown {
  if (option.default !== undefined) return option.default;
  if (option.const !== undefined) return option.const;
  if (Array.isArray(option.enum)) return option.enum[0];
  switch (typeOf(option)) {
    case "string":
      return "";
    case "number":
    case "integer":
      return option.minimum !== undefined && option.minimum > 0 ? option.minimum : Math.min(0, option.maximum ?? 0);
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return begun({ ...(option as JsonObject), $defs: (root.$defs ?? {}) as JsonObject });
    default:
      return null;
  }
}

function typeOf(option: RJSFSchema): string | undefined {
  if (typeof option.type === "string") return option.type;
  return isObject(option.properties) ? "object" : undefined;
}

/** Whether a value is of a form's type; what is not there yet may become anything. */
function isOfKind(option: RJSFSchema, value: unknown): boolean {
  if (value === undefined) return true;
  if (option.const !== undefined) return JSON.stringify(option.const) === JSON.stringify(value);
  switch (typeOf(option)) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
    case "number":
      return typeof value === "number";
    case undefined:
      return true;
    default:
      return typeof value === typeOf(option);
  }
}

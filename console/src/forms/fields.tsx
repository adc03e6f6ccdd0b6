import { getDefaultRegistry } from "@rjsf/core";
import type { Field, FieldProps, RJSFSchema } from "@rjsf/utils";
import { isObject } from "../rtvi/json";
import { ChoiceField } from "./choice";
import { JsonEditor } from "./widgets";

const library = getDefaultRegistry().fields as { [name: string]: Field<unknown> };
const LibraryObject = library.ObjectField as Field<unknown>;
const LibraryArray = library.ArrayField as Field<unknown>;

type Props = FieldProps<unknown>;

function JsonField(props: Props) {
  const { fieldPathId, formData, onChange, disabled, readonly, rawErrors, name } = props;
  const id = fieldPathId.$id;
  return (
    <JsonEditor
      id={id}
      value={formData}
      label={name ? `${name}, as JSON` : "JSON"}
      disabled={disabled || readonly}
      isInvalid={Boolean(rawErrors?.length)}
      describedBy={`${id}__description ${id}__bounds ${id}__error`}
      onChange={(value) => onChange(value, fieldPathId.path)}
    />
  );
}

/** An object whose properties are known has a field for each; one that may hold anything is edited as JSON. */
function ObjectField(props: Props) {
  const { properties, additionalProperties } = props.schema;
  const isKnown = properties !== undefined && Object.keys(properties).length > 0;
  const isMap = isObject(additionalProperties);
  const isChoice = props.schema.anyOf !== undefined || props.schema.oneOf !== undefined;
  if (isKnown || isMap || isChoice) return <LibraryObject {...props} />;
  // Of an action without arguments the page itself says so.
  if (additionalProperties === false) {
    return props.fieldPathId.path.length > 0 ? <p className="muted">Nothing to fill in.</p> : null;
  }
  return <JsonField {...props} />;
}

/** A list whose items are described has an editor for each. */
function ArrayField(props: Props) {
  const { items } = props.schema;
  const isDescribed = Array.isArray(items) || (isObject(items) && Object.keys(items).some((key) => key !== "$comment"));
  return isDescribed ? <LibraryArray {...props} /> : <JsonField {...props} />;
}

function FixedField({ schema }: { schema: RJSFSchema }) {
  return <output className="code">{JSON.stringify(schema.const)}</output>;
}

function NullField() {
  return <output className="code">null</output>;
}

function orFixed(Field: (props: Props) => React.ReactNode) {
  return function OrFixed(props: Props) {
    return props.schema.const !== undefined ? <FixedField schema={props.schema} /> : <Field {...props} />;
  };
}

export const fields = {
  ObjectField: orFixed(ObjectField),
  ArrayField: orFixed(ArrayField),
  FallbackField: orFixed(JsonField),
  NullField,
  AnyOfField: ChoiceField,
  OneOfField: ChoiceField,
};

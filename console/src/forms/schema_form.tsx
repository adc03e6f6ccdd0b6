import { default as Form } from "@rjsf/core";
import type { RJSFSchema, RJSFValidationError, UiSchema } from "@rjsf/utils";
import { type ReactNode, useMemo } from "react";
import type { JsonObject } from "../rtvi/json";
import type { FieldFacts, FormContext } from "./context";
import type { Fault } from "./faults";
import { fields } from "./fields";
import { templates } from "./templates";
import { errorSchemaOf, FormValidator, withoutUndefined } from "./validator";
import { SecretWidget, SelectWidget, SwitchWidget, TextareaWidget, TextWidget } from "./widgets";

const widgets = {
  TextWidget,
  TextareaWidget,
  CheckboxWidget: SwitchWidget,
  SelectWidget,
  SecretWidget,
  EmailWidget: TextWidget,
  URLWidget: TextWidget,
  DateWidget: TextWidget,
  DateTimeWidget: TextWidget,
  TimeWidget: TextWidget,
  FileWidget: TextWidget,
  ColorWidget: TextWidget,
  PasswordWidget: TextWidget,
  UpDownWidget: TextWidget,
};

export interface SchemaFormProps {
  /** A schema of objects, made by `drawable` or `gathered`. */
  schema: JsonObject;
  /** What is wrong with a value, by the schemas that the bot described. */
  judge: (value: unknown) => Fault[];
  value: JsonObject;
  onChange: (value: JsonObject) => void;
  onSubmit?: (value: JsonObject) => void;
  /** Called when it was to be submitted with faults. */
  onFaulty?: () => void;
  /** Whether fields that nothing was put into yet are told as missing. */
  tellsMissing?: boolean;
  /** What the bot found wrong. */
  faults?: { path: string[]; text: string }[];
  facts?: { [name: string]: FieldFacts };
  keepsEmpty?: boolean;
  whole?: string;
  id: string;
  isDisabled?: boolean;
  children?: ReactNode;
}

/** Without children the library would add a button of its own. */
const NO_BUTTONS = <span hidden />;

const DEFAULTS = { emptyObjectFields: "skipEmptyDefaults" } as const;

/** A form made from a JSON Schema, checked as one types. */
export function SchemaForm(props: SchemaFormProps) {
  const { schema, judge, value, faults, facts = {}, keepsEmpty = false, whole, tellsMissing = true } = props;
  const validator = useMemo(() => new FormValidator(judge), [judge]);
  const extraErrors = useMemo(() => errorSchemaOf(faults ?? []), [faults]);
  const uiSchema = useMemo(() => uiSchemaOf(facts), [facts]);
  const context: FormContext = { facts, keepsEmpty, tellsMissing, whole };
  return (
    <Form<unknown>
      className="form"
      schema={schema as RJSFSchema}
      uiSchema={uiSchema}
      validator={validator}
      formData={value}
      formContext={context}
      fields={fields}
      widgets={widgets}
      templates={templates}
      idPrefix={props.id}
      noHtml5Validate
      showErrorList={false}
      liveValidate="onChange"
      focusOnFirstError={(error) => focusOn(props.id, error)}
      extraErrors={extraErrors}
      disabled={props.isDisabled}
      experimental_defaultFormStateBehavior={DEFAULTS}
      onChange={({ formData }) => props.onChange((formData ?? {}) as JsonObject)}
      onSubmit={({ formData }) => props.onSubmit?.(withoutUndefined(formData ?? {}) as JsonObject)}
      onError={() => props.onFaulty?.()}
    >
      {props.children ?? NO_BUTTONS}
    </Form>
  );
}

/** Bring people to what is wrong. The library's own way does not reach selects. */
function focusOn(prefix: string, error: RJSFValidationError): void {
  const { path = [] } = error.params as { path?: string[] };
  const found = document.getElementById([prefix, ...path].join("_"));
  const control = found?.matches("input, select, textarea") ? found : found?.querySelector("input, select, textarea");
  (control as HTMLElement | null | undefined)?.focus();
}

function uiSchemaOf(facts: { [name: string]: FieldFacts }): UiSchema<unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      name,
      {
        ...(fact.isSecret ? { "ui:widget": "SecretWidget" } : {}),
        ...(fact.why ? { "ui:readonly": true } : {}),
      },
    ]),
  );
}

import type {
  CustomValidator,
  ErrorSchema,
  ErrorTransformer,
  RJSFSchema,
  RJSFValidationError,
  UiSchema,
  ValidationData,
  ValidatorType,
} from "@rjsf/utils";
import { ErrorSchemaBuilder } from "@rjsf/utils";
import type { Schema } from "../rtvi/json";
import { isObject } from "../rtvi/json";
import { type Fault, faultsOf, isValid } from "./faults";

type Data = unknown;

/**
 * What the form library asks about values. `judge` compares them with the schemas as the bot has them; those that the library
 * is given were made easier to draw, and mean the same.
 */
export class FormValidator implements ValidatorType<Data> {
  constructor(private readonly judge: (value: unknown) => Fault[]) {}

  validateFormData(
    formData: Data,
    _schema: RJSFSchema,
    _customValidate?: CustomValidator<Data>,
    transformErrors?: ErrorTransformer<Data>,
    uiSchema?: UiSchema<Data>,
  ): ValidationData<Data> {
    const found = this.judge(withoutUndefined(formData)).map(asError);
    const errors = transformErrors ? transformErrors(found, uiSchema) : found;
    return { errors, errorSchema: asErrorSchema(errors) };
  }

  isValid(schema: RJSFSchema, formData: Data, rootSchema: RJSFSchema): boolean {
    const whole = isObject(schema) ? { ...schema, $defs: { ...rootSchema.$defs, ...schema.$defs } } : schema;
    return isValid(whole as Schema, withoutUndefined(formData));
  }

  rawValidation<Result>(schema: RJSFSchema, formData?: Data): { errors?: Result[] } {
    return { errors: faultsOf(schema as Schema, formData) as Result[] };
  }
}

/** What a form has left out is not in the value. */
export function withoutUndefined(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function asError(fault: Fault): RJSFValidationError {
  return {
    name: fault.keyword,
    message: fault.text,
    property: `.${fault.path.join(".")}`,
    stack: `${fault.path.join(".")} ${fault.text}`.trim(),
    params: { path: fault.path },
  };
}

function asErrorSchema(errors: RJSFValidationError[]): ErrorSchema<Data> {
  const builder = new ErrorSchemaBuilder<Data>();
  for (const error of errors) {
    if (error.message) builder.addErrors(error.message, (error.params as { path: string[] }).path);
  }
  return builder.ErrorSchema;
}

/** Faults that the bot told, in the form in which the library shows them. */
export function errorSchemaOf(faults: { path: string[]; text: string }[]): ErrorSchema<Data> {
  const builder = new ErrorSchemaBuilder<Data>();
  for (const fault of faults) builder.addErrors(fault.text, fault.path);
  return builder.ErrorSchema;
}

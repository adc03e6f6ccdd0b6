import type { Json, JsonObject, Schema } from "../rtvi/json";
import { isObject, pointerSteps, short } from "../rtvi/json";

const MOST_LEVELS = 3;
const MOST_WORDS = 6;

/** What kind of value a schema describes, in few words: `array of object (title, score)`. */
export function kindWords(schema: Schema, root: Schema = schema, level = 0): string {
  const found = resolved(schema, root);
  if (!isObject(found) || level > MOST_LEVELS) return found === false ? "no value" : "any value";
  const inside = (one: Json | undefined) => kindWords((one ?? true) as Schema, root, level + 1);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (Array.isArray(found.enum)) return `one of ${listed(found.enum.map((one) => short(one, 24)))}`;
  const forms = found.anyOf ?? found.oneOf;
  if (Array.isArray(forms)) return [...new Set(forms.map(inside))].slice(0, MOST_WORDS).join(" or ");
  const types = [found.type ?? []].flat().map(String);
  if (types.length === 0) return isObject(found.properties) ? object(found) : "any value";
  return types
    .map((type) => {
      if (type === "object") return object(found);
      if (type === "array" && isObject(found.items)) return `array of ${inside(found.items)}`;
      return type === "string" && typeof found.format === "string" ? `string (${found.format})` : type;
    })
    .join(" or ");
}

function object(schema: JsonObject): string {
  const names = isObject(schema.properties) ? Object.keys(schema.properties) : [];
  return names.length > 0 ? `object (${listed(names)})` : "object";
}

function listed(names: string[]): string {
  return names.length > MOST_WORDS
    ? `${names.slice(0, MOST_WORDS).join(", ")} and ${names.length - MOST_WORDS} more`
    : names.join(", ");
}

function resolved(schema: Schema, root: Schema): Schema {
  let here: Json | undefined = schema;
  for (let hops = 0; isObject(here) && typeof here.$ref === "string" && hops < 8; hops += 1) {
    let target: Json | undefined = root;
    for (const step of pointerSteps(here.$ref)) target = isObject(target) ? target[step] : undefined;
    here = target;
  }
  return isObject(here) || typeof here === "boolean" ? here : true;
}

/** The bounds that a schema sets, in words: `at least 1, at most 5`. Empty where it sets none. */
export function boundsWords(schema: JsonObject): string {
  const words: string[] = [];
  const number = (keyword: string) => (typeof schema[keyword] === "number" ? schema[keyword] : undefined);
  const [least, most] = [number("minimum"), number("maximum")];
  if (least !== undefined && most !== undefined) words.push(`${least} to ${most}`);
  else if (least !== undefined) words.push(`at least ${least}`);
  else if (most !== undefined) words.push(`at most ${most}`);
  if (number("exclusiveMinimum") !== undefined) words.push(`more than ${schema.exclusiveMinimum}`);
  if (number("exclusiveMaximum") !== undefined) words.push(`less than ${schema.exclusiveMaximum}`);
  if (number("multipleOf") !== undefined) words.push(`a multiple of ${schema.multipleOf}`);
  words.push(...sizes(number("minLength"), number("maxLength"), "character"));
  words.push(...sizes(number("minItems"), number("maxItems"), "item"));
  words.push(...sizes(number("minProperties"), number("maxProperties"), "entry", "entries"));
  if (schema.uniqueItems === true) words.push("none twice");
  if (typeof schema.pattern === "string") words.push(`matching ${short(schema.pattern, 60)}`);
  return words.join(", ");
}

function sizes(least: number | undefined, most: number | undefined, one: string, many = `${one}s`): string[] {
  if (least !== undefined && least > 0 && most !== undefined) {
    return [least === most ? `${least} ${least === 1 ? one : many}` : `${least} to ${most} ${many}`];
  }
  if (most !== undefined) return [`at most ${most} ${most === 1 ? one : many}`];
  return least !== undefined && least > 0 ? [`at least ${least} ${least === 1 ? one : many}`] : [];
}

/** Whether no argument can be given at all. */
export function takesNothing(schema: Schema): boolean {
  if (!isObject(schema)) return false;
  const isClosed = schema.additionalProperties === false || schema.unevaluatedProperties === false;
  const isEmpty = ["properties", "patternProperties"].every(
    (keyword) => schema[keyword] === undefined || Object.keys(schema[keyword] as object).length === 0,
  );
  return isClosed && isEmpty && ["$ref", "allOf", "anyOf", "oneOf"].every((keyword) => schema[keyword] === undefined);
}

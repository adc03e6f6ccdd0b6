import type { Json, JsonObject, Schema } from "../rtvi/json";
import { isObject } from "../rtvi/json";

/**
 * Rewrite a schema into one that the form library draws well and that means the same.
 *
 * The library knows one type for each place and draws nothing for "anything". So a list of types becomes a choice between
 * them, `true` and `{}` get a mark, and tuples get the keywords of older drafts. Every reference becomes a pointer from the
 * root. `at` is where the document will stand in a larger one.
 */
export function drawable(schema: Schema, at = "#"): JsonObject {
  const ids: Ids = new Map();
  findIds(schema as Json, at, ids);
  return drawn(schema, { base: at, here: at, ids });
}

/** `$id` → pointer to the schema that has it. */
type Ids = Map<string, string>;

/** Where a schema stands: `base` is the pointer that `#` means there. */
interface Place {
  base: string;
  here: string;
  ids: Ids;
}

function findIds(value: Json, here: string, ids: Ids): void {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) findIds(one, `${here}/${index}`, ids);
  } else if (isObject(value)) {
    if (typeof value.$id === "string") ids.set(value.$id.replace(/#$/, ""), here);
    for (const [name, one] of Object.entries(value)) findIds(one, `${here}/${escaped(name)}`, ids);
  }
}

/** Where a reference leads, as a pointer from the root; as it is when that is not in this document. */
function led(reference: string, place: Place): string {
  const [address = "", fragment = ""] = reference.split("#", 2);
  const base = address === "" ? place.base : place.ids.get(address);
  return base === undefined ? reference : base + fragment;
}

function drawn(schema: Schema, outer: Place): JsonObject {
  if (schema === true) return { $comment: ANYTHING };
  if (schema === false) return { $comment: ANYTHING, not: {} };
  const place = typeof schema.$id === "string" ? { ...outer, base: outer.here } : outer;
  const made: JsonObject = {};
  for (const [keyword, value] of Object.entries(schema)) made[keyword] = rewritten(keyword, value as Json, place);
  return settled(made);
}

function settled(drawn: JsonObject): JsonObject {
  delete drawn.$id;
  delete drawn.$schema;
  if (Array.isArray(drawn.prefixItems)) {
    if (drawn.items !== undefined) drawn.additionalItems = drawn.items;
    drawn.items = drawn.prefixItems;
    delete drawn.prefixItems;
  }
  if (Array.isArray(drawn.type)) return withChoice(drawn, drawn.type.map(String));
  for (const keyword of ["anyOf", "oneOf"]) {
    const forms = drawn[keyword];
    if (Array.isArray(forms)) drawn[keyword] = forms.map((form, index) => named(form, `form ${index + 1}`));
  }
  if (Object.keys(drawn).length === 0) drawn.$comment = ANYTHING;
  return (drawn.anyOf ?? drawn.oneOf) === undefined ? drawn : withoutDefault(drawn);
}

/** The library mixes the default of a choice into whatever form is picked: ours begins with it, and that is all. */
function withoutDefault({ default: value, ...drawn }: JsonObject): JsonObject {
  return value === undefined ? drawn : { ...drawn, [OWN_DEFAULT]: value };
}

export const ANYTHING = "anything";
export const OWN_DEFAULT = "x-default";

const ONE: ReadonlySet<string> = new Set([
  "items",
  "additionalProperties",
  "additionalItems",
  "unevaluatedProperties",
  "unevaluatedItems",
  "contains",
  "not",
  "if",
  "then",
  "else",
  "propertyNames",
]);
const LIST: ReadonlySet<string> = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const MAP: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
]);

function rewritten(keyword: string, value: Json, place: Place): Json {
  const isSchema = (one: Json): one is JsonObject | boolean => isObject(one) || typeof one === "boolean";
  const below = (one: Json, ...steps: (string | number)[]): Json => {
    const here = [place.here, keyword, ...steps.map((step) => escaped(String(step)))].join("/");
    return isSchema(one) ? drawn(one, { ...place, here }) : one;
  };
  if (keyword === "$ref" && typeof value === "string") return led(value, place);
  // The library has a meaning of its own for these as plain true and false.
  if (keyword.startsWith("additional") || keyword.startsWith("unevaluated")) {
    return typeof value === "boolean" ? value : below(value);
  }
  if (ONE.has(keyword)) return below(value);
  if (LIST.has(keyword) && Array.isArray(value)) return value.map((one, index) => below(one, index));
  if (MAP.has(keyword) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, below(one, name)]));
  }
  return value;
}

/** A choice between types, each with the keywords of the whole. */
function withChoice(drawn: JsonObject, types: string[]): JsonObject {
  const { type: _type, description, title, default: fallback, "x-unit": unit, $defs, ...rest } = drawn;
  if (types.length === 1 && types[0]) return { ...drawn, type: types[0] };
  if (rest.enum !== undefined || rest.const !== undefined) return without(drawn, "type");
  const outer = { description, title, default: fallback, "x-unit": unit, $defs };
  const forms = types.map((type) => ({ ...(type === "null" ? {} : rest), type, title: type }));
  return withoutDefault({ ...without(outer as JsonObject), anyOf: forms });
}

function without(object: JsonObject, name?: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key, value]) => key !== name && value !== undefined));
}

/** Give a form of a choice the name under which people pick it. */
function named(form: Json, otherwise: string): Json {
  if (!isObject(form) || form.title !== undefined) return form;
  const reference = typeof form.$ref === "string" ? form.$ref.split("/").pop() : undefined;
  const fixed = form.const === undefined ? undefined : JSON.stringify(form.const);
  const title = reference ?? fixed ?? (typeof form.type === "string" ? form.type : otherwise);
  return { ...form, title };
}

/** One object schema out of several documents, each of which keeps its references to itself. */
export function gathered(documents: { [name: string]: Schema }): JsonObject {
  const parts = Object.fromEntries(
    Object.entries(documents).map(([name, document]) => [name, drawable(document, `#/$defs/${escaped(name)}`)]),
  );
  return { type: "object", properties: parts, $defs: parts };
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

import { type OutputUnit, Validator, type Schema as ValidatorSchema } from "@cfworker/json-schema";
import type { Json, Schema } from "../rtvi/json";
import { isObject, pointerSteps } from "../rtvi/json";
import { MISSING, wording } from "./wording";

/** One way in which a value breaks its schema. */
export interface Fault {
  path: string[];
  keyword: string;
  text: string;
}

/** Keywords that only pass on what is wrong below them, and `format`, which describes and does not check. */
const IGNORED = new Set([
  "format",
  "properties",
  "patternProperties",
  "additionalProperties",
  "unevaluatedProperties",
  "items",
  "prefixItems",
  "additionalItems",
  "unevaluatedItems",
  "$ref",
  "$dynamicRef",
  "$recursiveRef",
  "allOf",
  "dependentSchemas",
  "propertyNames",
  "if",
  "then",
  "else",
]);

/**
 * Compare a value with a schema, without `eval`: the page's Content-Security-Policy forbids it.
 *
 * The bot is the judge of what fits. Where this validator cannot read a schema that the bot can, nothing is said here.
 */
export function faultsOf(schema: Schema, value: unknown): Fault[] {
  let errors: OutputUnit[];
  try {
    errors = new Validator(schema as ValidatorSchema, "2020-12", false).validate(value).errors;
  } catch {
    return [];
  }
  return dropDuplicates(explain(errors, schema, value));
}

export function isValid(schema: Schema, value: unknown): boolean {
  try {
    return new Validator(schema as ValidatorSchema, "2019-09", true).validate(value).valid;
  } catch {
    return true;
  }
}

function explain(errors: OutputUnit[], schema: Schema, value: unknown): Fault[] {
  const faults: Fault[] = [];
  for (let index = 0; index < errors.length; index += 1) {
    const error = errors[index] as OutputUnit;
    if (error.keyword === "anyOf" || error.keyword === "oneOf") {
      // What follows are the errors of its branches.
      const inside = errors
        .slice(index + 1)
        .filter((one) => one.keywordLocation.startsWith(`${error.keywordLocation}/`));
      index += inside.length;
      faults.push(...explainBranches(error, inside, schema, value));
    } else if (!IGNORED.has(error.keyword)) {
      faults.push(asFault(error, schema, value));
    }
  }
  return faults;
}

/** Say which types were expected, or what is wrong with the one branch that was plainly meant. */
function explainBranches(error: OutputUnit, inside: OutputUnit[], schema: Schema, value: unknown): Fault[] {
  const branches = new Map<string, OutputUnit[]>();
  for (const one of inside) {
    const name = one.keywordLocation.slice(error.keywordLocation.length + 1).split("/", 1)[0] ?? "";
    branches.set(name, [...(branches.get(name) ?? []), one]);
  }
  const path = pointerSteps(error.instanceLocation);
  const isOther = (one: OutputUnit) =>
    ["type", "const", "enum"].includes(one.keyword) && one.instanceLocation === error.instanceLocation;
  const meant = [...branches.values()].filter((branch) => !branch.some(isOther));
  if (meant.length === 1) return explain(meant[0] ?? [], schema, value);
  const types = [...branches.values()].flatMap((branch) => branch.filter((one) => one.keyword === "type"));
  if (meant.length === 0 && types.length === branches.size) {
    const names = types.flatMap((one) => keywordOf(one, schema)).map(String);
    return [{ path, keyword: "type", text: `expected ${[...new Set(names)].sort().join(" or ")}` }];
  }
  const text =
    inside.length === 0 ? "fits more than one form, where exactly one is allowed" : "fits none of the forms allowed";
  return [{ path, keyword: error.keyword, text }];
}

function asFault(error: OutputUnit, schema: Schema, value: unknown): Fault {
  const path = pointerSteps(error.instanceLocation);
  if (error.keyword === "required") {
    const name = /"(.*)"/.exec(error.error)?.[1];
    return { path: name === undefined ? path : [...path, name], keyword: "required", text: MISSING };
  }
  const text = wording(error.keyword, keywordOf(error, schema) as Json, valueAt(value, path));
  return { path, keyword: error.keyword, text };
}

/** The value of the keyword that an error came from; undefined when it cannot be found. */
function keywordOf(error: OutputUnit, root: Schema): Json | undefined {
  let here: Json | undefined = root as Json;
  for (const step of pointerSteps(error.keywordLocation)) {
    if (Array.isArray(here)) here = here[Number(step)];
    else if (isObject(here)) here = here[step];
    else return undefined;
    if (step === "$ref" && typeof here === "string")
      here = valueAt(root, pointerSteps(decodeURIComponent(here))) as Json;
  }
  return here;
}

function valueAt(value: unknown, path: string[]): unknown {
  let here = value;
  for (const step of path) {
    if (Array.isArray(here)) here = here[Number(step)];
    else if (isObject(here)) here = here[step];
    else return undefined;
  }
  return here;
}

function dropDuplicates(faults: Fault[]): Fault[] {
  const seen = new Set<string>();
  return faults.filter((fault) => {
    const key = JSON.stringify([fault.path, fault.text]);
    return !seen.has(key) && seen.add(key);
  });
}

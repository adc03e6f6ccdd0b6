import type { Json } from "../rtvi/json";
import { short } from "../rtvi/json";

/** What is said of a required value that is not there. */
export const MISSING = "missing";

function count(number: Json, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

const SENTENCES: { [keyword: string]: (limit: Json, value: unknown) => string } = {
  type: (types, value) => `expected ${[types].flat().map(String).sort().join(" or ")}, got ${kindOf(value)}`,
  minimum: (limit) => `must be at least ${limit}`,
  maximum: (limit) => `must be at most ${limit}`,
  exclusiveMinimum: (limit) => `must be more than ${limit}`,
  exclusiveMaximum: (limit) => `must be less than ${limit}`,
  multipleOf: (limit) => `must be a multiple of ${limit}`,
  minLength: (limit) => `must have at least ${count(limit, "character")}`,
  maxLength: (limit) => `must have at most ${count(limit, "character")}`,
  minItems: (limit) => `must have at least ${count(limit, "item")}`,
  maxItems: (limit) => `must have at most ${count(limit, "item")}`,
  minProperties: (limit) => `must have at least ${count(limit, "property", "properties")}`,
  maxProperties: (limit) => `must have at most ${count(limit, "property", "properties")}`,
  pattern: (pattern) => `must match the pattern ${short(pattern, 200)}`,
  uniqueItems: () => "must not hold the same item twice",
  const: (value) => `must be ${short(value)}`,
  enum: (values) => `expected one of ${short((values as Json[]).map((value) => short(value)).join(", "), 200)}`,
  not: () => "is of a kind that is not allowed",
  false: () => "is not known here",
  contains: () => "does not hold what it must contain",
  dependentRequired: () => "needs something else beside it",
};

/** What is wrong, in the words that bots of this package use too. `limit`: the value of the keyword. */
export function wording(keyword: string, limit: Json, value: unknown): string {
  const sentence = limit === undefined && keyword !== "false" ? undefined : SENTENCES[keyword];
  return sentence ? sentence(limit, value) : `does not satisfy '${keyword}'`;
}

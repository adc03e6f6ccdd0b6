import type { Json, JsonObject } from "../rtvi/json";
import { isObject, pointerSteps } from "../rtvi/json";
import { OWN_DEFAULT } from "./drawable";

const MOST_LEVELS = 8;

/**
 * What a form begins with, beyond the defaults that the library fills in: those of choices, false where an on or off is required, since that is what the switch shows,
 * and an object where one is required, so that what is missing in it can be told at its place.
 */
export function begun(schema: JsonObject): JsonObject {
  return inside(schema, schema, 0);
}

function inside(schema: JsonObject, root: JsonObject, level: number): JsonObject {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const properties = isObject(schema.properties) ? schema.properties : {};
  const made: JsonObject = {};
  for (const [name, property] of Object.entries(properties)) {
    const found = resolved(property, root);
    if (isObject(found) && found[OWN_DEFAULT] !== undefined) made[name] = found[OWN_DEFAULT];
    if (!isObject(found) || !required.includes(name) || found.default !== undefined) continue;
    if (found.type === "boolean") made[name] = false;
    if (found.type === "object" && isObject(found.properties) && level < MOST_LEVELS) {
      made[name] = inside(found, root, level + 1);
    }
  }
  return made;
}

function resolved(schema: Json | undefined, root: JsonObject): Json | undefined {
  let here = schema;
  for (let hops = 0; isObject(here) && typeof here.$ref === "string" && hops < MOST_LEVELS; hops += 1) {
    let target: Json | undefined = root;
    for (const step of pointerSteps(here.$ref)) target = isObject(target) ? target[step] : undefined;
    here = target;
  }
  return here;
}

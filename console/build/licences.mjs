// Writes the licences of everything that ends up in the bundle.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { licenceText } from "./licence_texts.mjs";

const PACKAGE = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^(licen[cs]e|copying|notice)(\.|$)/i;

/** Give the notices of all packages that esbuild's `metafile` names as inputs. `root`: where node_modules is. */
export async function licences(metafile, root) {
  const folders = new Set();
  for (const output of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const match = bytesInOutput > 0 && PACKAGE.exec(input);
      if (match) folders.add(match[0]);
    }
  }
  const notices = [];
  for (const folder of [...folders].sort()) {
    const about = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
    const files = (await readdir(join(root, folder))).filter((name) => LICENCE.test(name)).sort();
    const texts = await Promise.all(files.map((name) => readFile(join(root, folder, name), "utf8")));
    const licence = about.license ?? "see below";
    const found = texts.length ? texts : [licenceText(about.name, licence)];
    const body = found.map((text) => text.replaceAll("\r\n", "\n").trim()).join("\n\n");
    notices.push(`${about.name} ${about.version} (${licence})\n\n${body}\n`);
  }
  const rule = `\n${"-".repeat(80)}\n\n`;
  return `The console of rtvi-plugins contains the packages below, under the licences that follow.\n${rule}${notices.join(rule)}`;
}

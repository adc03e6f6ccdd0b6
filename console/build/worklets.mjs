// Takes the audio worklets out of the transport.
//
// The published transport holds the source of two audio worklets as text and loads them from blob: addresses, which a strict
// Content-Security-Policy forbids. Here the same text becomes files of our own, and the transport is given their addresses.
// No other line of the package changes; should a new version look different, the build ends with an error.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

const TEXT =
  /const (\S+) = `\n(class \w+ extends AudioWorkletProcessor[\s\S]*?registerProcessor\('(\w+)', \w+\);\n)`;/g;
const ADDRESS = (name) =>
  new RegExp(
    String.raw`new Blob\(\[\s*${name.replaceAll("$", "\\$")}\s*\], \{\s*type: "application/javascript"\s*\}\)`,
  );
const OBJECT_URL = /const (\S+)\$src = URL\.createObjectURL\((\S+)\);/g;

/** An esbuild plugin. `emit(name, text)` is called for every worklet found. */
export function worklets(emit) {
  return {
    name: "worklets",
    setup(build) {
      build.onLoad({ filter: /websocket-transport[\\/]dist[\\/]index\.module\.js$/ }, async ({ path }) => {
        let source = await readFile(path, "utf8");
        const found = [...source.matchAll(TEXT)];
        if (found.length !== 2) throw new Error(`${path}: expected two audio worklets, found ${found.length}`);
        for (const [, variable, literal, processor] of found) {
          if (/(?<!\\)\$\{/.test(literal)) throw new Error(`${path}: ${processor} is no plain text`);
          const text = literal.replace(/\\([\\`$])/g, "$1"); // as the template literal would read
          const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
          const name = `${processor.replace("_", ".")}-${hash}.js`;
          emit(name, text);
          const blob = ADDRESS(variable);
          if (!blob.test(source)) throw new Error(`${path}: the blob of ${processor} is not where it was`);
          source = source.replace(blob, () => `new URL("./${name}", import.meta.url).href`);
        }
        const before = source;
        source = source.replace(OBJECT_URL, (_, target, made) => `const ${target}$src = ${made};`);
        const left = source.split("URL.createObjectURL(").length - before.split("URL.createObjectURL(").length;
        if (left !== -2) throw new Error(`${path}: expected two addresses of worklets, found ${-left}`);
        return { contents: source, loader: "js" };
      });
    },
  };
}

// Builds the console into rtvi_plugins/console/assets: the same sources give the same bytes.
//
//   node build.mjs [folder]
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licences } from "./build/licences.mjs";
import { worklets } from "./build/worklets.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = process.argv[2] ?? join(here, "..", "rtvi_plugins", "console", "assets");
const files = new Map();

const result = await build({
  absWorkingDir: here,
  entryPoints: { console: "src/main.tsx" },
  outdir: "out",
  entryNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  format: "esm",
  target: "es2022",
  legalComments: "none", // they are in licences.txt, whole
  define: { "process.env.NODE_ENV": '"production"' },
  alias: {
    // The transport's other media manager, which would load a script from its maker's servers.
    "@daily-co/daily-js": "./src/absent.ts",
    // Only a helper for the form library's own tests names it.
    "@rjsf/validator-ajv8": "./src/absent.ts",
    // Text from bots is shown as it is; nothing here may turn it into HTML.
    "markdown-to-jsx/react": "./src/plain_text.tsx",
  },
  plugins: [worklets((name, text) => files.set(name, text))],
  logLevel: "warning",
});
for (const output of result.outputFiles) files.set(basename(output.path), output.contents);

const icon = await readFile(join(here, "src/icon.svg"), "utf8");
files.set(`icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8).toUpperCase()}.svg`, icon);
files.set("licences.txt", await licences(result.metafile, here));

const named = (pattern) => [...files.keys()].find((name) => pattern.test(name));
const html = await readFile(join(here, "src/index.html"), "utf8");
const page = html
  .replace("{script}", `assets/${named(/^console-.*\.js$/)}`)
  .replace("{style}", `assets/${named(/^console-.*\.css$/)}`)
  .replace("{icon}", `assets/${named(/^icon-.*\.svg$/)}`);
files.set("index.html", page);

await mkdir(folder, { recursive: true });
for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
for (const [name, content] of files) await writeFile(join(folder, name), content);

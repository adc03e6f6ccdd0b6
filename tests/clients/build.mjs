// Bundles one page per generation of the published clients into dist/.
//
// Both generations are installed under aliases (package.json). A transport imports `@pipecat-ai/client-js` by that name;
// here each bundle maps the name to the client its transport was published for. No line of a package is changed.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const suffixes = { new: "", legacy: "-legacy" };

await mkdir(`${here}dist`, { recursive: true });
for (const [page, suffix] of Object.entries(suffixes)) {
  await build({
    entryPoints: [`${here}src/${page}.js`],
    outfile: `${here}dist/${page}.js`,
    bundle: true,
    format: "iife",
    alias: {
      "@pipecat-ai/client-js": `client-js${suffix}`,
      "@pipecat-ai/websocket-transport": `websocket-transport${suffix}`,
    },
    logLevel: "warning",
  });
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>${page} client</title><script src="${page}.js"></script>\n`;
  await writeFile(`${here}dist/${page}.html`, html);
}

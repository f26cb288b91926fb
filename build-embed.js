/**
 * Makes `static/headway/embed.js` of `static/headway/embed/`: `npm run embed`.
 *
 * Strangers' pages load it, so it is one small file. What few need stays in files of its own, fetched
 * when it is needed: German, what a visitor does, tokens that end, the ways that replace a websocket.
 * With `--print` the text is printed, not written.
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = fileURLToPath(new URL("static/headway/", import.meta.url));

/** @param {string} css */
const tight = (css) => css.replace(/\s+/g, " ").replace(/ ?([{};,]) ?/g, "$1").replace(/: /g, ":").replaceAll(";}", "}").trim();

/** @type {import("esbuild").Plugin} */
const files = {
  name: "headway",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/(acts|de|renew|ways)\.js$/ }, ({ path }) => ({ path: path.replace("./", "./embed/"), external: true }));
    onLoad({ filter: /\/sheet\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/`([^`]+)`/, (_, css) => `\`${tight(css)}\``),
    }));
  },
};

await build({
  entryPoints: [`${here}embed/index.js`],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* Headway, MIT; made of embed/ by `npm run embed` */" },
  plugins: [files],
  ...(process.argv.includes("--print") ? { write: false } : { outfile: `${here}embed.js` }),
}).then(({ outputFiles }) => process.stdout.write(outputFiles?.[0]?.text ?? ""));

// Make platform/web/static/vendor from the pinned packages: `npm ci`, then `npm run build`. The result is committed.
//
// Here: what is copied, what is bundled, the icon sprite, the license texts. Not here: our own CSS and scripts, which ship as they are.
import { build } from "esbuild";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const vendor = join(root, "platform/web/static/vendor");

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor, { recursive: true });

// copied as published; a trailing source map comment would be a request that fails
const copy = (from, to) => cpSync(join(modules, from), join(vendor, to));
const script = (from, to) =>
  writeFileSync(join(vendor, to), readFileSync(join(modules, from), "utf8").replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"));
script("htmx.org/dist/htmx.min.js", "htmx.js");
script("htmx.org/dist/ext/hx-sse.min.js", "hx-sse.js");
script("htmx.org/dist/ext/hx-preload.min.js", "hx-preload.js");
copy("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", "inter-latin.woff2");
copy("@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2", "inter-latin-ext.woff2");

// bundled: one ES module each, loaded only by the pages that need it
const bundle = (entry, name) =>
  build({
    entryPoints: [entry],
    outfile: join(vendor, name),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    nodePaths: [modules],
  });
await bundle(join(modules, "sortablejs/modular/sortable.esm.js"), "sortable.js");
await bundle(join(root, "tools/static/codemirror.js"), "codemirror.js");
await bundle(join(root, "tools/static/tiptap.js"), "tiptap.js");

// the icon sprite: a <symbol> per name of tools/static/icons.txt
const names = new Set(readFileSync(join(root, "tools/static/icons.txt"), "utf8").replace(/^#.*$/gm, "").split(/\s+/).filter(Boolean));
const missing = [];
const symbols = [...names].sort().map((name) => {
  let svg;
  try {
    svg = readFileSync(join(modules, `lucide-static/icons/${name}.svg`), "utf8");
  } catch {
    missing.push(name);
    return "";
  }
  const shapes = svg
    .slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"))
    .replace(/<!--.*?-->/gs, "")
    .replace(/\s*\n\s*/g, "");
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replaceAll(" />", "/>")}</symbol>`;
});
if (missing.length) throw new Error(`Lucide has no icon named: ${missing.join(", ")}`);
writeFileSync(join(vendor, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
writeFileSync(join(vendor, "icons.json"), JSON.stringify([...names].sort()) + "\n"); // for the icon picker and the lint test

// the accessibility checker of the tests, which run without Node (MPL 2.0; never shipped: it is outside the package)
const forTests = join(root, "tests/support/vendor");
mkdirSync(forTests, { recursive: true });
cpSync(join(modules, "axe-core/axe.min.js"), join(forTests, "axe.js"));
cpSync(join(modules, "axe-core/LICENSE"), join(forTests, "axe.LICENSE.txt"));

// one file with every license; the test-only packages do not ship
const lockFile = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(lockFile, "utf8"));
const shipped = Object.keys(lock.packages).filter((path) => path && !/node_modules\/(axe-core|esbuild|@esbuild\/.*)$/.test(path));
const licenses = shipped.map((path) => {
  const about = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
  const file = readdirSync(join(root, path)).find((name) => /^(licen[cs]e|copying)/i.test(name));
  const text = file ? readFileSync(join(root, path, file), "utf8").replaceAll("\r\n", "\n").trim() : `License: ${about.license}`;
  return `${about.name} ${about.version} (${about.license})\n\n${text}\n`;
});
writeFileSync(join(vendor, "LICENSES.txt"), licenses.join(`\n${"-".repeat(78)}\n\n`));

// npm writes where to send money for each package; the lock shall name no hosts
for (const entry of Object.values(lock.packages)) delete entry.funding;
writeFileSync(lockFile, JSON.stringify(lock, null, 2) + "\n");

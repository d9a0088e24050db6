// Copies the front-end files that the site serves from node_modules into static/vendor.
// Run by `make vendor` after `npm ci`. The copies are committed, so the site itself needs no node.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const vendor = join(root, "static", "vendor");

/** The lucide icons that templates use, by their name there. */
const ICONS = [
  "arrow-right", "arrow-up-down", "camera", "chart-line", "check", "chevron-down", "chevron-left", "chevron-right",
  "circle-alert", "circle-check", "circle-help", "clock", "code", "copy", "cpu", "dices", "download", "eye",
  "file-x", "folder", "gauge", "history", "house", "images", "info", "key-round", "layers", "log-out", "monitor", "moon",
  "network", "package", "pause", "play", "plus", "rocket", "rotate-cw", "scale", "server", "shapes", "sparkles", "square", "sun", "table", "tags",
  "trash-2", "triangle-alert", "trophy", "upload", "user", "wand-sparkles", "x", "zap",
];

/** Files to copy: [from node_modules, to static/vendor]. */
const FILES = [
  ["htmx.org/dist/htmx.min.js", "htmx.min.js"],
  ["bootstrap/dist/css/bootstrap.min.css", "bootstrap.min.css"],
  ["chart.js/dist/chart.umd.min.js", "chart.umd.min.js"],
  ["@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", "inter-latin.woff2"],
  ["@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2", "inter-latin-ext.woff2"],
];

/** Licences travel with the copies. */
const LICENCES = ["htmx.org", "bootstrap", "chart.js", "@fontsource-variable/inter", "lucide-static"];

function copy(from, to) {
  let data = readFileSync(join(modules, from));
  if (/\.(js|css)$/.test(to)) {
    // Source maps are not served; a dangling reference would make collectstatic fail.
    data = data.toString().replace(/\n?(\/\/|\/\*)# sourceMappingURL=[^\n]*/g, "\n");
  }
  writeFileSync(join(vendor, to), data);
}

function sprite() {
  const symbols = ICONS.map((name) => {
    const svg = readFileSync(join(modules, "lucide-static", "icons", `${name}.svg`), "utf8");
    const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
  });
  const open = '<svg xmlns="http://www.w3.org/2000/svg">';
  writeFileSync(join(vendor, "icons.svg"), `${open}\n${symbols.join("\n")}\n</svg>\n`);
}

function licences() {
  const parts = LICENCES.map((name) => {
    const { version } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
    let text = "";
    for (const file of ["LICENSE", "LICENSE.md"]) {
      try {
        text = readFileSync(join(modules, name, file), "utf8");
        break;
      } catch {
        continue;
      }
    }
    if (!text) throw new Error(`${name} has no licence file`);
    return `${name} ${version}\n${"=".repeat(60)}\n${text.trim()}\n`;
  });
  writeFileSync(join(vendor, "LICENSES.txt"), parts.join("\n\n"));
}

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor, { recursive: true });
for (const [from, to] of FILES) copy(from, to);
sprite();
licences();

// What the first page costs: index.html's own scripts and styles, what those import at once, and
// one language. Fails above the limit; prints the figure either way.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 250;
const STRETCH_KB = 180;
const CHART_LIMIT_KB = 25;
const dist = new URL("../dist/", import.meta.url);

const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const first = new Set();
const add = (key) => {
  const chunk = manifest[key];
  if (!chunk || first.has(chunk.file)) return;
  first.add(chunk.file);
  for (const css of chunk.css ?? []) first.add(css);
  for (const other of chunk.imports ?? []) add(other);
};

// The shell, the page that most people open first, and the longer language.
for (const key of Object.keys(manifest)) {
  const { isEntry, src = "" } = manifest[key];
  const isFirstPage = /routes\/admin(\.index)?\.tsx\?/.test(src) || src.endsWith("i18n/fr.json");
  if (isEntry || isFirstPage) add(key);
}

let total = gzipSync(readFileSync(new URL("boot.js", dist))).length;
for (const file of [...first].sort()) {
  const bytes = gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
  total += bytes;
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${file}`);
}
const total_kb = total / 1000;
console.log(
  `${total_kb.toFixed(1).padStart(7)} kB  first load, gzip (limit ${LIMIT_KB}, stretch ${STRETCH_KB})`,
);

// What the first chart costs whoever comes to one; nobody else fetches it.
const [, canvas] = Object.entries(manifest).find(([key]) => key.endsWith("chart/ChartCanvas.tsx")) ?? [];
if (!canvas?.isDynamicEntry) throw new Error("the chart is no chunk of its own");
const chart_kb = gzipSync(readFileSync(new URL(canvas.file, dist)), { level: 9 }).length / 1000;
console.log(
  `${chart_kb.toFixed(1).padStart(7)} kB  charts, gzip, fetched with the first one (limit ${CHART_LIMIT_KB})`,
);
if (total_kb > LIMIT_KB || chart_kb > CHART_LIMIT_KB) process.exit(1);

// What the first pages cost: each page's own scripts and styles and what those import at once; of
// the console also one language. Fails above a limit; prints the figures either way.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 250;
const STRETCH_KB = 180;
const CHART_LIMIT_KB = 25;
const JOIN_LIMIT_KB = 120;
const TERMINAL_LIMIT_KB = 110;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

// The files behind these chunks and all that they import at once.
function filesOf(keys, known = new Set()) {
  const files = new Set();
  const add = (key) => {
    const chunk = manifest[key];
    if (!chunk || files.has(chunk.file)) return;
    if (!known.has(chunk.file)) files.add(chunk.file);
    for (const css of chunk.css ?? []) if (!known.has(css)) files.add(css);
    if (known.has(chunk.file)) return;
    for (const other of chunk.imports ?? []) add(other);
  };
  for (const key of keys) add(key);
  return files;
}

const gzip_kb = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1000;
const print = (kb, words) => console.log(`${kb.toFixed(1).padStart(7)} kB  ${words}`);
let isOver = false;

function check(name, files, limit_kb, more = "") {
  let total_kb = 0;
  for (const file of [...files].sort()) {
    const kb = gzip_kb(file);
    total_kb += kb;
    print(kb, file);
  }
  print(total_kb, `${name}, gzip (limit ${limit_kb}${more})\n`);
  if (total_kb > limit_kb) isOver = true;
}

// The shell, the page that most people open first, and the longer language.
const firstKeys = Object.keys(manifest).filter((key) => {
  const { src = "" } = manifest[key];
  return (
    key === "index.html" || /routes\/admin(\.index)?\.tsx\?/.test(src) || src.endsWith("src/i18n/fr.json")
  );
});
check("first load of the console", filesOf(firstKeys).add("boot.js"), LIMIT_KB, `, stretch ${STRETCH_KB}`);

// What only some come to, and nobody else fetches.
function chunkKey(end) {
  const key = Object.keys(manifest).find((it) => it.endsWith(end));
  if (!manifest[key]?.isDynamicEntry) throw new Error(`${end} is no chunk of its own`);
  return key;
}
const chart = new Set([manifest[chunkKey("chart/ChartCanvas.tsx")].file]);
check("charts, fetched with the first one", chart, CHART_LIMIT_KB);

const join = filesOf(["join.html"]);
check("first load of the participant's page", new Set(join).add("boot.js"), JOIN_LIMIT_KB);
const terminal = filesOf([chunkKey("terminal/Terminal.tsx")], join);
check("the web terminal, fetched when it is used", terminal, TERMINAL_LIMIT_KB);

if (isOver) process.exit(1);

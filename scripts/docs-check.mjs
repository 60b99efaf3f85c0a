#!/usr/bin/env node
/**
 * Finds what the guide forgot: a setting, a failure code or a state, a page, heading or command in
 * one language only, a link, a route or a path in the code that leads nowhere.
 *
 * Does not: need a build, or read anything but committed files.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));

const said = [];
const text = (path) => readFileSync(path, "utf8");
const pagesOf = (folder) => readdirSync(folder).filter((it) => it.endsWith(".md")).sort();
const every = (pattern, of) => [...of.matchAll(pattern)].map((it) => it.slice(1));

/** Without code blocks: a comment in a shell example is no heading, and a path in one no link. */
const prose = (markdown) => markdown.replace(/^ *```[^]*?^ *```/gm, "");
const headings = (markdown) => every(/^(#+) (.+)$/gm, prose(markdown));
/** The anchor that GitHub gives a heading. */
const anchor = (heading) =>
  heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").trim().replaceAll(" ", "-");
/** What is typed, without comments, which are translated, and without example passwords. */
const commands = (markdown) =>
  every(/```sh\n([^]*?)```/g, markdown)
    .flat()
    .join("")
    .replace(/#.*|echo '[^']*'|\s+/g, "");

const document = JSON.parse(text("crates/api/openapi.json"));
const { Code, State } = document.components.schemas;
const settings = every(/env = "([A-Z_]+)"/g, text("crates/nalabo/src/settings.rs")).flat();
const wanted = { install: settings, failures: Code.enum, state: State.enum };
for (const language of ["en", "fr"]) {
  for (const [page, words] of Object.entries(wanted)) {
    const path = `docs/${language}/${page}.md`;
    const written = text(path);
    for (const word of words)
      if (!written.includes(`\`${word}\``)) said.push(`${path}: \`${word}\` is missing`);
  }
}

const [english, french] = [pagesOf("docs/en"), pagesOf("docs/fr")];
for (const page of new Set([...english, ...french])) {
  if (!english.includes(page) || !french.includes(page)) {
    said.push(`docs: ${page} is in one language only`);
    continue;
  }
  const both = [text(`docs/en/${page}`), text(`docs/fr/${page}`)];
  const [ours, theirs] = both.map((it) => headings(it).map(([mark]) => mark.length).join());
  if (ours !== theirs) said.push(`docs: ${page} has other headings in French than in English`);
  const [typed, typedToo] = both.map(commands);
  if (typed !== typedToo) said.push(`docs: ${page} has other commands in French than in English`);
}

const folders = ["", "docs/en/", "docs/fr/", "docs/decisions/", "testbed/"];
for (const path of folders.flatMap((it) => pagesOf(it || ".").map((page) => it + page))) {
  const written = text(path);
  for (const [target] of every(/\]\(([^)\s]+)\)/g, prose(written))) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file, fragment] = target.split("#");
    const found = file ? join(dirname(path), file) : path;
    if (!existsSync(found)) said.push(`${path}: ${target} is not there`);
    else if (fragment && !headings(text(found)).some(([, it]) => anchor(it) === fragment))
      said.push(`${path}: ${target} has no such heading`);
  }
  for (const [method, route] of every(/`(GET|POST|PUT|PATCH|DELETE) (\/api\/[^ `?]+)/g, written))
    if (!document.paths[route]?.[method.toLowerCase()])
      said.push(`${path}: the API has no ${method} ${route}`);
  const inCode = /`((?:crates|deploy|docs|scripts|testbed|ui)\/[^` ]*)`/g;
  for (const [named] of every(inCode, prose(written)))
    if (!named.includes("NNNN") && !existsSync(named)) said.push(`${path}: ${named} is not there`);
}

for (const page of french) {
  const plain = prose(text(`docs/fr/${page}`)).replace(/`[^`]*`/g, "");
  for (const line of plain.split("\n"))
    if (/[ \u00a0][;:!?»]|« |'/.test(line))
      said.push(`docs/fr/${page}: not set as French is: ${line.trim().slice(0, 70)}`);
}

console.log(said.join("\n") || "docs: complete in both languages, and every link leads somewhere");
process.exitCode = said.length > 0 ? 1 : 0;

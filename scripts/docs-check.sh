#!/bin/sh
# Finds what the guide forgot: a setting, a failure code, a page or heading in one language only,
# a link that leads nowhere. Needs python3 and the committed openapi.json, and no build.
set -eu
cd "$(dirname "$0")/.."
exec python3 - <<'PYTHON'
import json, pathlib, re, sys, unicodedata

root = pathlib.Path(".")
said = []


def text(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def prose(markdown):
    """Without code blocks: a comment in a shell example is no heading, and a path no link."""
    return re.sub(r"^ *```.*?^ *```", "", markdown, flags=re.S | re.M)


def headings(markdown):
    return re.findall(r"^(#+) (.+)$", prose(markdown), flags=re.M)


def anchor(heading):
    """The anchor that GitHub gives a heading."""
    kept = [c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LN"]
    return "".join(kept).strip().replace(" ", "-")


settings = sorted(set(re.findall(r'env = "([A-Z_]+)"', text("crates/nalabo/src/settings.rs"))))
schemas = json.loads(text("crates/api/openapi.json"))["components"]["schemas"]
codes = schemas["Code"]["enum"]
states = schemas["State"]["enum"]
for language in ("en", "fr"):
    wanted = (("install", settings), ("failures", codes), ("state", states))
    for page, words in wanted:
        path = f"docs/{language}/{page}.md"
        written = text(path)
        said += [f"{path}: `{word}` is missing" for word in words if f"`{word}`" not in written]

pages = {language: {it.name for it in root.glob(f"docs/{language}/*.md")} for language in ("en", "fr")}
said += [f"docs: {name} is in one language only" for name in sorted(pages["en"] ^ pages["fr"])]
for name in sorted(pages["en"] & pages["fr"]):
    levels = [[len(mark) for mark, _ in headings(text(f"docs/{it}/{name}"))] for it in ("en", "fr")]
    if levels[0] != levels[1]:
        said.append(f"docs: {name} has other headings in French than in English")
    commands = [re.sub(r"#.*", "", "".join(re.findall(r"```sh\n(.*?)```", text(f"docs/{it}/{name}"), flags=re.S)))
                for it in ("en", "fr")]
    spaceless = [re.sub(r"\s+|echo '[^']*'", "", it) for it in commands]
    if spaceless[0] != spaceless[1]:
        said.append(f"docs: {name} has other commands in French than in English")

for path in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("testbed/*.md")]):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text(path))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        found = (path.parent / file) if file else path
        if not found.exists():
            said.append(f"{path}: {target} is not there")
        elif fragment and fragment not in {anchor(it) for _, it in headings(text(found))}:
            said.append(f"{path}: {target} has no such heading")

for path in sorted(root.glob("docs/fr/*.md")):
    plain = re.sub(r"`[^`]*`", "", prose(text(path)))
    for number, line in enumerate(plain.splitlines(), 1):
        if re.search(r"[ \u00a0][;:!?»]|« |'", line):
            said.append(f"{path}: not set as French is: {line.strip()[:70]}")

print("\n".join(said) if said else "docs: complete in both languages, and every link leads somewhere")
sys.exit(1 if said else 0)
PYTHON

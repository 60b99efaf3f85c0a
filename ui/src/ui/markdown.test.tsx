import { render } from "@testing-library/react";
import { describe, expect, test, vi } from "vitest";
import { Markdown, type MarkdownCode, markdownHref, markdownParse } from "./markdown";

const WORDS = { copy: "Copy", copied: "Copied", run: "Run" };
const drawn = (text: string) => render(<Markdown text={text} words={WORDS} />).container;
/** As HTML, without the classes. */
const html = (text: string) =>
  drawn(text)
    .innerHTML.replace(/ class="[^"]*"/g, "")
    .replace(/^<div>|<\/div>$/g, "");

describe("what a stranger wrote stays text", () => {
  test.each([
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](  JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](//evil.example)",
    "[x](http://plain.example)",
    "[x](https://user:word@evil.example)",
    "<javascript:alert(1)>",
    "![x](https://a.example/x.png)<iframe src=https://a.example></iframe>",
    "```\n<script>alert(1)</script>\n```",
    "| a |\n| - |\n| <svg onload=alert(1)> |",
    "# <style>*{display:none}</style>",
    "- <form action=https://evil.example><input></form>",
  ])("%s", (text) => {
    const page = drawn(text);
    expect(
      page.querySelectorAll("script, img, iframe, svg:not([aria-hidden]), style, form, input"),
    ).toHaveLength(0);
    for (const it of page.querySelectorAll("*"))
      for (const { name } of it.attributes) expect(name).not.toMatch(/^on|^style$|^srcdoc$/);
    for (const it of page.querySelectorAll("a")) expect(it.getAttribute("href")).toMatch(/^https:\/\//);
  });

  test("a link that is not followed is shown as it was written", () => {
    expect(drawn("[x](javascript:alert(1))").textContent).toBe("[x](javascript:alert(1))");
    expect(drawn("<b>bold</b>").textContent).toBe("<b>bold</b>");
  });

  test("a link to https opens elsewhere and tells nothing", () => {
    const link = drawn('see [the *docs*](https://kubernetes.io/docs_(v1) "title").').querySelector("a");
    expect(link?.href).toBe("https://kubernetes.io/docs_(v1)");
    expect(link?.rel).toBe("noopener noreferrer");
    expect(link?.textContent).toBe("the *docs*");
    expect(html("look at https://a.example/b. Then")).toContain(">https://a.example/b</a>. Then");
    expect(markdownHref("https://")).toBeNull();
  });
});

describe("what trainers write", () => {
  test("headings stand below those of the page", () => {
    expect(html("# One\n### Three ###")).toBe("<h2>One</h2><h4>Three</h4>");
  });
  test("words can be strong, in stress, struck out and code", () => {
    expect(html("**a *b* c** _d_ ~~e~~ `f*g*` snake_case_name 2 * 3 * 4")).toBe(
      "<p><strong>a <em>b</em> c</strong> <em>d</em> <del>e</del> <code>f*g*</code> snake_case_name 2 * 3 * 4</p>",
    );
    expect(html("\\*not\\* ``a`b`` **open")).toBe("<p>*not* <code>a`b</code> **open</p>");
  });
  test("lists hold lists, paragraphs and code, and begin where they say", () => {
    expect(html("3. a\n   - b\n   - c\n4. d\n\n   more\n\nafter")).toBe(
      '<ol start="3"><li>a<ul><li>b</li><li>c</li></ul></li><li>d<p>more</p></li></ol><p>after</p>',
    );
    const [list] = markdownParse("1. run\n   ```sh\n   kubectl get pods\n\n     -o wide\n   ```\n2. look");
    expect(list).toMatchObject({
      kind: "list",
      items: [[{}, { text: "kubectl get pods\n\n  -o wide" }], [{}]],
    });
  });
  test("a number that begins a wrapped line is no list", () => {
    expect(html("There are\n3. things")).toBe("<p>There are\n3. things</p>");
  });
  test("tables, quotes, rules and breaks", () => {
    expect(html("| a | b |\n|:--|--:|\n| `x\\|y` | 2 |")).toContain(
      '<tbody><tr><td data-align="left"><code>x|y</code></td><td data-align="right">2</td></tr></tbody>',
    );
    expect(html("> a\n> b\n\n---\none  \ntwo")).toBe(
      "<blockquote><p>a\nb</p></blockquote><hr><p>one<br>two</p>",
    );
  });
  test("only shell blocks can be run, and of a console the commands alone", () => {
    const code = (text: string) => markdownParse(text)[0] as MarkdownCode;
    expect(code("```bash\nls\n```")).toMatchObject({ runnable: true, command: "ls" });
    expect(code("~~~ yaml\na: b\n~~~")).toMatchObject({ runnable: false, language: "yaml" });
    expect(code("```\nls")).toMatchObject({ runnable: false, text: "ls" });
    expect(code("```console\n$ kubectl run a \\\n>   --image b\npod/a created\n$ ls\n```").command).toBe(
      "kubectl run a \\\n  --image b\nls",
    );
  });
  test("run hands over the command, and there is no button without a terminal", () => {
    const onRun = vi.fn();
    const page = render(<Markdown text={"```console\n$ ls\nfile\n```"} words={WORDS} onRun={onRun} />);
    page.getByRole("button", { name: "Run" }).click();
    expect(onRun).toHaveBeenCalledExactlyOnceWith("ls");
    page.rerender(<Markdown text={"```sh\nls\n```"} words={WORDS} />);
    expect(page.queryByRole("button", { name: "Run" })).toBeNull();
  });
});

test("200 KiB of anything is read at once: nothing is looked for twice in vain", () => {
  const size = 200 * 1024;
  // In the square of the length any of these would take minutes; the limit of the test is what fails.
  for (const unit of [
    "[",
    "*a ",
    "**a ",
    "`a``b",
    "_a",
    "[a](",
    "> ",
    "- ",
    "|",
    "<https://",
    "~~a",
    "# ",
    "  - a\n",
  ])
    expect(markdownParse(unit.repeat(size / unit.length)).length).toBeGreaterThan(0);
  expect(markdownParse(`${"[".repeat(size)}](`)).toHaveLength(1);
});

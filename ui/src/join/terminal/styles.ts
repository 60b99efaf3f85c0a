/**
 * Lets xterm draw under a policy that allows no style of its own.
 *
 * xterm writes `<style>` elements and, for colours outside the palette, `style` attributes of spans;
 * `style-src 'self'` refuses both. The same rules put in through the CSSOM are allowed: a style
 * element becomes a constructed sheet, an attribute becomes declarations.
 *
 * Promises: no message about the policy, and no looser one. Does not: change what anybody else's
 * elements do; a span's style attribute ends as the same declarations as before.
 */
HTMLSpanElement.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};

/** Stands where a `<style>` would, and applies what is written into it. */
function sheetElement(): HTMLElement {
  const sheet = new CSSStyleSheet();
  const element = Document.prototype.createElement.call(document, "span") as HTMLElement;
  element.hidden = true;
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, "textContent", { set: (css: string) => void sheet.replaceSync(css) });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((it) => it !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}

/** Runs `open`, in which xterm makes all the style elements that it will ever write to. */
export function withoutStyleElements(open: () => void): void {
  document.createElement = (tag: string) =>
    tag === "style" ? sheetElement() : Document.prototype.createElement.call(document, tag);
  try {
    open();
  } finally {
    // What was set on the object itself goes; the document's own remains.
    Reflect.deleteProperty(document, "createElement");
  }
}

/**
 * Two ways to draw the same picture: as SVG text, and on a canvas for PNG.
 *
 * Promises: both take the same calls, so both downloads show the same. Does not: measure text.
 */
interface Stroke {
  colour: string;
  width: number;
  dash?: readonly number[];
}

export interface Pen {
  rect(x: number, y: number, width: number, height: number, fill: string): void;
  line(points: readonly Point[], stroke: Stroke): void;
  area(points: readonly Point[], fill: string): void;
  text(x: number, y: number, words: string, look: TextLook): void;
}

export type Point = readonly [x: number, y: number];

interface TextLook {
  fill: string;
  size: number;
  anchor?: "start" | "middle" | "end";
  bold?: boolean;
}

const FONT = "'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif";
const round = (value: number) => Math.round(value * 100) / 100;
const escaped = (words: string) =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const written = (points: readonly Point[]) => points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");

/** A pen that writes SVG, and what it wrote. */
export function svgPen(width: number, height: number, title: string): Pen & { svg: () => string } {
  const parts: string[] = [];
  return {
    rect: (x, y, w, h, fill) =>
      void parts.push(
        `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" fill="${escaped(fill)}"/>`,
      ),
    line: (points, { colour, width, dash }) =>
      void parts.push(
        `<polyline points="${written(points)}" fill="none" stroke="${escaped(colour)}" stroke-width="${width}" stroke-linejoin="round"${dash ? ` stroke-dasharray="${dash.join(" ")}"` : ""}/>`,
      ),
    area: (points, fill) => void parts.push(`<polygon points="${written(points)}" fill="${escaped(fill)}"/>`),
    text: (x, y, words, { fill, size, anchor = "start", bold }) =>
      void parts.push(
        `<text x="${round(x)}" y="${round(y)}" fill="${escaped(fill)}" font-size="${size}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ""}>${escaped(words)}</text>`,
      ),
    svg: () =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(FONT)}" role="img"><title>${escaped(title)}</title>${parts.join("")}</svg>\n`,
  };
}

/** A pen on a canvas. */
export function canvasPen(context: CanvasRenderingContext2D): Pen {
  const trace = (points: readonly Point[]) => {
    context.beginPath();
    // The first one moves: a path that has no point yet begins where it is led to.
    for (const [x, y] of points) context.lineTo(x, y);
  };
  return {
    rect: (x, y, w, h, fill) => {
      context.fillStyle = fill;
      context.fillRect(x, y, w, h);
    },
    line: (points, { colour, width, dash }) => {
      trace(points);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.lineJoin = "round";
      context.setLineDash([...(dash ?? [])]);
      context.stroke();
    },
    area: (points, fill) => {
      trace(points);
      context.closePath();
      context.fillStyle = fill;
      context.fill();
    },
    text: (x, y, words, { fill, size, anchor = "start", bold }) => {
      context.font = `${bold ? 600 : 400} ${size}px ${FONT}`;
      context.textAlign = anchor === "middle" ? "center" : anchor;
      context.fillStyle = fill;
      context.fillText(words, x, y);
    },
  };
}

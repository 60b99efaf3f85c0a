/**
 * What goes over the terminal's socket: bytes as binary frames, everything else as JSON in text ones.
 *
 * Promises: a message that is not understood is dropped, never shown. Does not: open a socket.
 */
export type EndReason = "expired" | "ended" | "restarted" | "lost" | "closed";
export type FromServer = { type: "ready" } | { type: "ended"; reason: EndReason };

const REASONS: readonly string[] = ["expired", "ended", "restarted", "lost", "closed"];
/** What is pasted goes in pieces, so that no frame is longer than the server takes. */
export const FRAME_MAX_BYTES = 16_384;

export function resizeFrame(cols: number, rows: number): string {
  return JSON.stringify({ type: "resize", cols, rows });
}

const encoder = new TextEncoder();

/** Keystrokes as the frames that carry them. */
export function inputFrames(typed: string): Uint8Array<ArrayBuffer>[] {
  const bytes = encoder.encode(typed);
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_MAX_BYTES)
    frames.push(bytes.slice(at, at + FRAME_MAX_BYTES));
  return frames;
}

/** A text frame of the server. */
export function messageParse(text: string): FromServer | null {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof message !== "object" || message === null || !("type" in message)) return null;
  if (message.type === "ready") return { type: "ready" };
  if (message.type !== "ended") return null;
  const reason = "reason" in message ? String(message.reason) : "";
  return { type: "ended", reason: REASONS.includes(reason) ? (reason as EndReason) : "lost" };
}

/**
 * A command of the instructions as it is typed, with Enter after it. In a shell that asks for it
 * (bracketed paste) several lines arrive as one; otherwise each line is entered on its own.
 */
export function typedCommand(command: string, bracketed: boolean): string {
  // Keys that a text cannot hold, such as Escape, would do more than type.
  const lines = [...command.replace(/\r\n?/g, "\n").trimEnd()]
    .filter((c) => c === "\n" || c === "\t" || (c >= " " && c !== "\u007f"))
    .join("")
    .replaceAll("\n", "\r");
  if (lines === "") return "";
  return bracketed && lines.includes("\r") ? `\u001b[200~${lines}\u001b[201~\r` : `${lines}\r`;
}

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** How long to wait before attempt `attempt` (from 1); `random` in 0…1 keeps a room apart. */
export function backoff_ms(attempt: number, random: number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}

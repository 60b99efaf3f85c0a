/**
 * The way to the shell: a socket that is opened again when it breaks.
 *
 * Promises: tries again with growing pauses while the environment lives, at once when the network
 * is back or a person asks; stops when the server says that it is over. Does not: keep what is typed
 * while there is no connection, since it would run in another shell.
 */
import { backoff_ms, type EndReason, inputFrames, messageParse, resizeFrame } from "./protocol";

export type LinkState =
  | { kind: "connecting" }
  | { kind: "open" }
  | { kind: "waiting"; until_ms: number }
  | { kind: "over"; reason: Exclude<EndReason, "lost"> };

export interface Link {
  /** Whether there was a shell to type it into. */
  send: (typed: string) => boolean;
  resize: (cols: number, rows: number) => void;
  /** Now, instead of after the pause; also after the shell was closed. */
  retry: () => void;
  close: () => void;
}

/** A connection that shows nothing for so long is taken for dead. */
const OPEN_DEADLINE_MS = 30_000;

export function linkOpen(options: {
  url: string;
  onOutput: (bytes: Uint8Array) => void;
  onState: (state: LinkState) => void;
  random?: () => number;
}): Link {
  const { url, onOutput, onState, random = Math.random } = options;
  let socket: WebSocket | null = null;
  let state: LinkState = { kind: "connecting" };
  let size = { cols: 80, rows: 24 };
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const put = (next: LinkState) => {
    state = next;
    onState(next);
  };
  const drop = () => {
    clearTimeout(timer);
    const old = socket;
    socket = null;
    old?.close();
  };
  const lost = () => {
    drop();
    attempt += 1;
    const pause_ms = backoff_ms(attempt, random());
    timer = setTimeout(open, pause_ms);
    put({ kind: "waiting", until_ms: Date.now() + pause_ms });
  };
  const open = () => {
    drop();
    put({ kind: "connecting" });
    const mine = new WebSocket(url);
    mine.binaryType = "arraybuffer";
    socket = mine;
    timer = setTimeout(lost, OPEN_DEADLINE_MS);
    mine.onopen = () => mine === socket && mine.send(resizeFrame(size.cols, size.rows));
    mine.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (mine !== socket) return;
      if (typeof data !== "string") return onOutput(new Uint8Array(data));
      const message = messageParse(data);
      if (message?.type === "ready") {
        clearTimeout(timer);
        attempt = 0;
        mine.send(resizeFrame(size.cols, size.rows));
        put({ kind: "open" });
      }
      if (message?.type !== "ended") return;
      if (message.reason === "lost") return lost();
      drop();
      put({ kind: "over", reason: message.reason });
    };
    mine.onclose = () => mine === socket && lost();
  };
  const online = () => state.kind === "waiting" && open();
  window.addEventListener("online", online);
  open();

  return {
    send: (typed) => {
      if (state.kind !== "open" || !socket) return false;
      for (const frame of inputFrames(typed)) socket.send(frame);
      return true;
    },
    resize: (cols, rows) => {
      size = { cols, rows };
      if (socket?.readyState === WebSocket.OPEN) socket.send(resizeFrame(cols, rows));
    },
    retry: () => {
      attempt = 0;
      if (state.kind !== "open") open();
    },
    close: () => {
      window.removeEventListener("online", online);
      drop();
    },
  };
}

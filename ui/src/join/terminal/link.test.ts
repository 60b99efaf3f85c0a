import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type LinkState, linkOpen } from "./link";

/** The server's end of a socket, in hand. */
class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  binaryType = "blob";
  readyState = 0;
  sent: (string | Uint8Array)[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly url: string) {
    Socket.all.push(this);
  }
  send(frame: string | Uint8Array) {
    this.sent.push(frame);
  }
  close() {
    this.readyState = 3;
  }
  accept() {
    this.readyState = Socket.OPEN;
    this.onopen?.();
    this.say({ type: "ready" });
  }
  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}
const last = () => {
  const socket = Socket.all.at(-1);
  if (!socket) throw new Error("no socket was opened");
  return socket;
};

let states: LinkState[] = [];
let shown: number[] = [];
const begin = () =>
  linkOpen({
    url: "ws://here/terminal",
    onOutput: (bytes) => shown.push(...bytes),
    onState: (state) => states.push(state),
    random: () => 1,
  });
const kinds = () => states.map((it) => it.kind);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  Socket.all = [];
  states = [];
  shown = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the size is told as soon as there is a shell, and what is typed reaches it", () => {
  const link = begin();
  link.resize(120, 40);
  expect(link.send("too early"), "there is no shell yet").toBe(false);
  last().accept();
  expect(JSON.parse(String(last().sent.at(-1)))).toEqual({ type: "resize", cols: 120, rows: 40 });
  expect(link.send("ls\r")).toBe(true);
  expect(last().sent.at(-1)).toEqual(new TextEncoder().encode("ls\r"));
  last().onmessage?.({ data: new Uint8Array([104, 105]).buffer });
  expect(shown).toEqual([104, 105]);
  expect(kinds()).toEqual(["connecting", "open"]);
});

test("a lost connection is opened again after growing pauses, and what is typed meanwhile is not kept", () => {
  const link = begin();
  last().accept();
  last().onclose?.();
  expect(states.at(-1)?.kind).toBe("waiting");
  expect(link.send("rm -r x\r")).toBe(false);
  vi.advanceTimersByTime(500);
  expect(Socket.all).toHaveLength(2);
  last().onclose?.();
  vi.advanceTimersByTime(999);
  expect(Socket.all, "the second pause is longer").toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(Socket.all).toHaveLength(3);
  last().accept();
  last().say({ type: "ended", reason: "lost" });
  vi.advanceTimersByTime(500);
  expect(Socket.all, "after a shell the pauses begin anew").toHaveLength(4);
  link.close();
});

test("a server that says nothing is not waited for for ever", () => {
  begin();
  vi.advanceTimersByTime(30_000);
  expect(states.at(-1)?.kind).toBe("waiting");
});

test.each(["expired", "ended", "restarted"] as const)("it is not opened again once it has %s", (reason) => {
  begin();
  last().accept();
  last().say({ type: "ended", reason });
  last().onclose?.();
  vi.advanceTimersByTime(60_000);
  expect(Socket.all).toHaveLength(1);
  expect(states.at(-1)).toEqual({ kind: "over", reason });
});

test("a shell that was closed is opened anew when a person asks", () => {
  const link = begin();
  last().accept();
  last().say({ type: "ended", reason: "closed" });
  vi.advanceTimersByTime(60_000);
  expect(Socket.all).toHaveLength(1);
  link.retry();
  last().accept();
  expect(states.at(-1)?.kind).toBe("open");
});

test("nothing is heard of it after it was closed", () => {
  const link = begin();
  const socket = last();
  link.close();
  socket.accept();
  socket.onclose?.();
  vi.advanceTimersByTime(60_000);
  expect(Socket.all).toHaveLength(1);
  expect(kinds()).toEqual(["connecting"]);
});

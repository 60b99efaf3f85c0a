import { describe, expect, test } from "vitest";
import {
  backoff_ms,
  FRAME_MAX_BYTES,
  inputFrames,
  messageParse,
  resizeFrame,
  typedCommand,
} from "./protocol";

describe("frames", () => {
  test("the size goes as text, keystrokes as bytes", () => {
    expect(JSON.parse(resizeFrame(120, 40))).toEqual({ type: "resize", cols: 120, rows: 40 });
    expect(inputFrames("é\r").map((it) => [...it])).toEqual([[0xc3, 0xa9, 0x0d]]);
    expect(inputFrames("")).toEqual([]);
  });

  test("a long paste goes in pieces that the server takes, and nothing of it is lost", () => {
    const pasted = "é".repeat(20_000);
    const frames = inputFrames(pasted);
    expect(frames.map((it) => it.length)).toEqual([
      FRAME_MAX_BYTES,
      FRAME_MAX_BYTES,
      40_000 - 2 * FRAME_MAX_BYTES,
    ]);
    expect(new TextDecoder().decode(new Uint8Array(frames.flatMap((it) => [...it])))).toBe(pasted);
  });

  test("what the server says is understood, and anything else is dropped", () => {
    expect(messageParse('{"type":"ready"}')).toEqual({ type: "ready" });
    expect(messageParse('{"type":"ended","reason":"expired"}')).toEqual({ type: "ended", reason: "expired" });
    expect(messageParse('{"type":"ended","reason":"moved"}')).toEqual({ type: "ended", reason: "lost" });
    expect(messageParse('{"type":"ended"}')).toEqual({ type: "ended", reason: "lost" });
    for (const other of ["", "{", "null", "3", "[]", '{"type":"resize"}', '{"kind":"ready"}']) {
      expect(messageParse(other), other).toBeNull();
    }
  });
});

describe("a command of the instructions", () => {
  test("is typed with Enter after it", () => {
    expect(typedCommand("kubectl get pods\n", false)).toBe("kubectl get pods\r");
    expect(typedCommand("kubectl get pods", true)).toBe("kubectl get pods\r");
    expect(typedCommand(" \n", true)).toBe("");
  });

  test("of several lines arrives whole where the shell can take it, else line by line", () => {
    const command = "cat <<EOF > a.yaml\r\nkind: Pod\nEOF\n";
    expect(typedCommand(command, false)).toBe("cat <<EOF > a.yaml\rkind: Pod\rEOF\r");
    expect(typedCommand(command, true)).toBe("\u001b[200~cat <<EOF > a.yaml\rkind: Pod\rEOF\u001b[201~\r");
  });

  test("cannot press keys that a text cannot hold", () => {
    expect(typedCommand("echo \u001b[201~\u0003\u007fhi\tthere", true)).toBe("echo [201~hi\tthere\r");
  });
});

test("pauses grow from half a second to a quarter of a minute, and differ within a room", () => {
  expect(backoff_ms(1, 1)).toBe(500);
  expect(backoff_ms(1, 0)).toBe(250);
  expect(backoff_ms(3, 1)).toBe(2_000);
  expect(backoff_ms(20, 1)).toBe(15_000);
  expect(backoff_ms(20, 0)).toBe(7_500);
});

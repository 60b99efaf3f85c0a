import { describe, expect, test, vi } from "vitest";
import {
  connectionTest,
  failedStage,
  ownRun,
  TEST_BEGUN,
  type TestEvent,
  testEventParse,
  testReduce,
} from "./connectionTest";
import { SseParser } from "./sse";
import type { Stage, StageName, TestReport } from "./types";

const stage = (name: StageName, outcome: Stage["outcome"] = "passed"): Stage => ({
  stage: name,
  outcome,
  duration_ms: 1,
  finding: null,
  facts: {},
  code: null,
  cause: null,
  remedy: null,
  command: null,
  missing_rights: [],
});
const report = (stages: Stage[]): TestReport => ({
  passed: stages.every((it) => it.outcome !== "failed"),
  overpowered: false,
  duration_ms: 9,
  stages,
});
const STREAM = [
  ": hello\n\n",
  'event: stage\ndata: {"stage":"tls","phase":"started"}\n\n',
  `event: stage\ndata: ${JSON.stringify({ stage: "tls", phase: "ended", result: { ...stage("tls"), finding: "issuer étoile ✓" } })}\n\n`,
  `event: report\ndata: ${JSON.stringify(report([stage("tls")]))}\n\n`,
].join("");

/** An answer whose body arrives in pieces of `size` bytes. */
function answer(text: string, size: number, status = 200): Response {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  return new Response(body, { status });
}

async function told(response: Response): Promise<TestEvent[]> {
  vi.stubGlobal("fetch", async () => response);
  const events: TestEvent[] = [];
  await connectionTest({ id: "x" }, new AbortController().signal, (event) => events.push(event));
  vi.unstubAllGlobals();
  return events;
}

describe("the stream of a test", () => {
  test.each([1, 2, 3, 7, 64, 10_000])("is read the same when it arrives %d bytes at a time", async (size) => {
    const events = await told(answer(STREAM, size));
    expect(events.map((it) => it.type)).toEqual(["started", "ended", "reported"]);
    expect(events[1]).toMatchObject({ result: { finding: "issuer étoile ✓" } });
  });

  test("lines may end in CR LF, cut between the two", () => {
    const parser = new SseParser();
    expect(parser.feed("event: a\r")).toEqual([]);
    expect(parser.feed("\ndata: 1\r\n\r")).toEqual([]);
    expect(parser.feed("\n")).toEqual([{ event: "a", data: "1" }]);
  });

  test("a stream that is cut before its report is told as such", async () => {
    const events = await told(answer(STREAM.slice(0, STREAM.indexOf("event: report")), 50));
    expect(events.at(-1)).toMatchObject({ type: "broke", problem: { code: "test_cut" } });
  });

  test("a refusal keeps the code of the server", async () => {
    const events = await told(answer('{"code":"too_many_tests","title":"wait"}', 100, 429));
    expect(events).toMatchObject([{ type: "broke", problem: { code: "too_many_tests", status: 429 } }]);
  });

  test("an event of a newer server is skipped", () => {
    expect(testEventParse("weather", '{"sun":true}')).toBeNull();
    expect(testEventParse("stage", '{"stage":"tls","phase":"paused"}')).toBeNull();
  });
});

describe("a run", () => {
  const play = (...events: TestEvent[]) => events.reduce(testReduce, TEST_BEGUN);

  test("a stage that ended is never taken back to running", () => {
    const run = play({ type: "ended", result: stage("tcp") }, { type: "started", stage: "tcp" });
    expect(run.running).toBeNull();
    expect(run.ended.tcp?.outcome).toBe("passed");
  });

  test("the report has the last word", () => {
    const stages = [stage("tcp"), stage("tls", "failed"), stage("version", "not_reached")];
    const run = play({ type: "started", stage: "tls" }, { type: "reported", report: report(stages) });
    expect(run.phase).toBe("failed");
    expect(failedStage(run)?.stage).toBe("tls");
    expect(run.ended.version?.outcome).toBe("not_reached");
  });
});

test("a failure of NALABO itself arrives as a problem in the stream", async () => {
  const events = await told(answer('event: problem\ndata: {"code":"internal","status":500}\n\n', 9));
  expect(events).toMatchObject([{ type: "broke", problem: { code: "internal", status: 500 } }]);
});

test("a credential for the same infrastructure again is no duplicate of it", () => {
  const identity: Stage = {
    ...stage("identity", "warning"),
    code: "duplicate",
    facts: { user: "me", duplicate_of: "paris" },
  };
  const run = testReduce(TEST_BEGUN, { type: "ended", result: identity });
  expect(ownRun(run, "paris").ended.identity).toMatchObject({ outcome: "passed", facts: { user: "me" } });
  expect(ownRun(run, "lyon").ended.identity?.outcome).toBe("warning");
});

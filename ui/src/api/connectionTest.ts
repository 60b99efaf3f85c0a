/**
 * A connection test while it runs: what each stage said so far.
 *
 * Promises: {@link testReduce} is pure and takes events in any order; a stage that ended is never
 * taken back to running. Does not: hold the credential that is tested.
 */

import { WRITE_HEADER } from "./client";
import { clockOffsetNote } from "./clock";
import { ApiProblem, problemFromResponse } from "./problem";
import { serverEvents } from "./sse";
import type { ProblemBody, Source, Stage, StageName, TestReport } from "./types";

/** Every stage, in the order they are tried. The list is known before the first answer arrives. */
export const STAGES: readonly StageName[] = [
  "read",
  "resolve",
  "tcp",
  "tls",
  "version",
  "identity",
  "rights",
  "metrics",
  "storage",
];

/** The longest that a whole test may take. */
export const TEST_LIMIT_SECONDS = 30;

export type TestEvent =
  | { type: "started"; stage: StageName }
  | { type: "ended"; result: Stage }
  | { type: "reported"; report: TestReport }
  | { type: "broke"; problem: ApiProblem };

export interface TestRun {
  phase: "running" | "passed" | "failed" | "broken";
  running: StageName | null;
  ended: Partial<Record<StageName, Stage>>;
  report: TestReport | null;
  problem: ApiProblem | null;
}

export const TEST_BEGUN: TestRun = {
  phase: "running",
  running: null,
  ended: {},
  report: null,
  problem: null,
};

/** The run after `event`. */
export function testReduce(run: TestRun, event: TestEvent): TestRun {
  switch (event.type) {
    case "started":
      return run.ended[event.stage] ? run : { ...run, running: event.stage };
    case "ended": {
      const stage = event.result.stage;
      const ended = { ...run.ended, [stage]: event.result };
      return { ...run, ended, running: run.running === stage ? null : run.running };
    }
    case "reported": {
      const ended = Object.fromEntries(event.report.stages.map((it) => [it.stage, it]));
      const phase = event.report.passed ? "passed" : "failed";
      return { phase, running: null, ended, report: event.report, problem: null };
    }
    case "broke":
      return { ...run, phase: "broken", running: null, problem: event.problem };
  }
}

/** The stage at which a run stopped, if it did. */
export function failedStage(run: TestRun): Stage | undefined {
  return STAGES.map((name) => run.ended[name]).find((it) => it?.outcome === "failed");
}

/** The run as it is for `name` itself: that its own cluster is connected already is no warning. */
export function ownRun<Run extends TestRun>(run: Run, name: string): Run {
  const { identity } = run.ended;
  if (identity?.code !== "duplicate" || identity.facts.duplicate_of !== name) return run;
  const { duplicate_of: _, ...facts } = identity.facts;
  const passed: Stage = { ...identity, outcome: "passed", code: null, cause: null, remedy: null, facts };
  return { ...run, ended: { ...run.ended, identity: passed } };
}

/** One event of the stream, read; anything unknown is skipped, so that the API may grow. */
export function testEventParse(event: string, data: string): TestEvent | null {
  const body: unknown = JSON.parse(data);
  if (typeof body !== "object" || body === null) return null;
  if (event === "problem") {
    const problem = body as Partial<ProblemBody>;
    return { type: "broke", problem: new ApiProblem(problem.status ?? 0, problem) };
  }
  if (event === "report") return { type: "reported", report: body as TestReport };
  if (event !== "stage" || !("phase" in body)) return null;
  const stage = body as { stage: StageName; phase: string; result?: Stage };
  if (stage.phase === "started") return { type: "started", stage: stage.stage };
  return stage.result ? { type: "ended", result: stage.result } : null;
}

/** Tests a source that is not saved, or a saved infrastructure, and tells each stage as it ends. */
export async function connectionTest(
  target: { source: Source } | { id: string },
  signal: AbortSignal,
  tell: (event: TestEvent) => void,
): Promise<void> {
  const path = "id" in target ? `${encodeURIComponent(target.id)}/test` : "test";
  try {
    const response = await fetch(`/api/admin/infrastructures/${path}`, {
      method: "POST",
      signal,
      credentials: "same-origin",
      headers: { ...WRITE_HEADER, "Content-Type": "application/json", Accept: "text/event-stream" },
      body: "id" in target ? null : JSON.stringify({ source: target.source }),
    });
    clockOffsetNote(response.headers.get("date"));
    if (!response.ok || response.body === null) throw await problemFromResponse(response);
    let ended = false;
    for await (const { event, data } of serverEvents(response.body)) {
      const parsed = testEventParse(event, data);
      if (parsed) tell(parsed);
      ended ||= parsed?.type === "reported" || parsed?.type === "broke";
    }
    // A stream that ends without its report was cut: say so rather than wait for ever.
    if (!ended) throw new ApiProblem(0, { code: "test_cut", title: "the test was cut off" });
  } catch (error) {
    if (signal.aborted) return;
    const problem =
      error instanceof ApiProblem ? error : new ApiProblem(0, { code: "no_answer", title: "no answer" });
    tell({ type: "broke", problem });
  }
}

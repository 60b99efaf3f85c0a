/**
 * What the add wizard knows at each moment, as a pure reducer.
 *
 * Promises: going back keeps everything but secrets, and a result that arrives for a candidate that
 * is gone changes nothing. Does not: hold the secret; the component keeps that in one place, so
 * that it can be dropped.
 */
import { failedStage, TEST_BEGUN, type TestEvent, type TestRun, testReduce } from "../api/connectionTest";
import type { ApiProblem } from "../api/problem";
import type { ParsedContext } from "../api/types";
import type { DescribeForm } from "./describe";
import type { Way } from "./SourceForm";

export const STEPS = ["source", "contexts", "test", "describe"] as const;
export type Step = (typeof STEPS)[number];

/** One cluster that may become an infrastructure. */
export interface Candidate {
  /** The context; the address, when there is none. */
  key: string;
  context: ParsedContext | null;
  chosen: boolean;
  run: (TestRun & { begun_ms: number }) | null;
  /** Save it although its test failed; it starts disabled. */
  anyway: boolean;
  describe: DescribeForm;
  /** Make a narrow service account with the pasted credential, and forget the paste. */
  narrow: boolean;
  /** That account may also host environments of workshops. */
  hosts: boolean;
  isDefault: boolean;
  problem: ApiProblem | null;
  saved: { id: string; name: string } | null;
}

export interface WizardState {
  step: Step;
  way: Way;
  candidates: Candidate[];
}

export type WizardAction =
  | { type: "way"; way: Way }
  | { type: "contexts-read"; contexts: ParsedContext[] }
  | { type: "source-read"; key: string; name: string }
  | { type: "chosen"; key: string; chosen: boolean }
  | { type: "test-begun"; keys: readonly string[]; now_ms: number }
  | { type: "test-event"; key: string; event: TestEvent }
  | { type: "anyway"; key: string; anyway: boolean }
  | {
      type: "described";
      key: string;
      change: Partial<Pick<Candidate, "describe" | "narrow" | "hosts" | "isDefault">>;
    }
  | { type: "saved"; key: string; saved: { id: string; name: string } }
  | { type: "refused"; key: string; problem: ApiProblem | null }
  | { type: "step"; step: Step };

export const WIZARD_BEGUN: WizardState = { step: "source", way: "kubeconfig", candidates: [] };

/** `admin@par-train-3` → `par-train-3`: what stands before the @ is the user, not the cluster. */
export function nameSuggest(context: string): string {
  return context.slice(context.lastIndexOf("@") + 1).trim() || context;
}

function candidate(key: string, name: string, context: ParsedContext | null, before?: Candidate): Candidate {
  return {
    key,
    context,
    chosen: context === null || context.usable,
    run: null,
    anyway: false,
    // What was typed before going back to paste again is kept, by the name of the context.
    describe: before?.describe ?? { name, description: "", environment: "training", region: "", labels: "" },
    narrow: before?.narrow ?? true,
    hosts: before?.hosts ?? false,
    isDefault: before?.isDefault ?? false,
    problem: null,
    saved: before?.saved ?? null,
  };
}

const change = (state: WizardState, key: string, to: (it: Candidate) => Candidate): WizardState => ({
  ...state,
  candidates: state.candidates.map((it) => (it.key === key ? to(it) : it)),
});

export function wizardReduce(state: WizardState, action: WizardAction): WizardState {
  const before = (key: string) => state.candidates.find((it) => it.key === key);
  switch (action.type) {
    case "way":
      return { ...state, way: action.way, candidates: [] };
    case "contexts-read": {
      const candidates = action.contexts.map((it) =>
        candidate(it.name, nameSuggest(it.name), it, before(it.name)),
      );
      // Many contexts: the current one is what the person most likely meant.
      const current = candidates.find((it) => it.context?.is_current && it.context.usable);
      const usable = candidates.filter((it) => it.context?.usable).length;
      const chosen =
        usable > 3 && current ? candidates.map((it) => ({ ...it, chosen: it === current })) : candidates;
      return { ...state, step: "contexts", candidates: chosen };
    }
    case "source-read":
      return {
        ...state,
        step: "test",
        candidates: [candidate(action.key, action.name, null, before(action.key))],
      };
    case "chosen":
      return change(state, action.key, (it) => ({
        ...it,
        chosen: action.chosen && it.context?.usable !== false,
      }));
    case "test-begun":
      return {
        ...state,
        step: "test",
        candidates: state.candidates.map((it) =>
          action.keys.includes(it.key)
            ? { ...it, run: { ...TEST_BEGUN, begun_ms: action.now_ms }, anyway: false }
            : it,
        ),
      };
    case "test-event":
      return change(state, action.key, (it) =>
        it.run ? { ...it, run: { ...testReduce(it.run, action.event), begun_ms: it.run.begun_ms } } : it,
      );
    case "anyway":
      return change(state, action.key, (it) => ({ ...it, anyway: action.anyway }));
    case "described":
      return {
        ...state,
        candidates: state.candidates.map((it) =>
          it.key === action.key
            ? { ...it, ...action.change, problem: action.change.describe ? null : it.problem }
            : // There is one default: choosing it here takes it away there.
              { ...it, isDefault: action.change.isDefault ? false : it.isDefault },
        ),
      };
    case "saved":
      return change(state, action.key, (it) => ({ ...it, saved: action.saved, problem: null }));
    case "refused":
      return change(state, action.key, (it) => ({ ...it, problem: action.problem }));
    case "step":
      return { ...state, step: action.step };
  }
}

/** A stage that failed ends the test, though its report may still be on its way. */
const hasFailed = ({ run }: Candidate) =>
  run?.phase === "failed" || run?.phase === "broken" || (run?.phase === "running" && !!failedStage(run));

export const chosenOf = (state: WizardState) => state.candidates.filter((it) => it.chosen);
export const runningOf = (state: WizardState) =>
  chosenOf(state).filter((it) => it.run?.phase === "running" && !hasFailed(it));
export const passedOf = (state: WizardState) => chosenOf(state).filter((it) => it.run?.phase === "passed");
export const failedOf = (state: WizardState) => chosenOf(state).filter(hasFailed);
/** What is described and saved: what passed, and what is wanted although it failed. */
export const keptOf = (state: WizardState) =>
  chosenOf(state).filter((it) => it.run?.phase === "passed" || (it.anyway && hasFailed(it)));

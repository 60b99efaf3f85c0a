/** One action of the participant at a time: what is under way, and why the last one was refused. */
import { useCallback, useState } from "react";
import { type ApiProblem, problemOf } from "../api/problem";
import type { PortalView } from "./portal";
import { thisSeat } from "./seat";

export function useAct() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  /** Whether it was done. What it answers is shown at once. */
  const act = useCallback(async (ask: () => Promise<PortalView | undefined>): Promise<boolean> => {
    setBusy(true);
    setProblem(null);
    try {
      const view = await ask();
      if (view) thisSeat.note(view);
      return true;
    } catch (error) {
      const found = problemOf(error);
      setProblem(found);
      // What is on screen may be why it was refused.
      thisSeat.ask();
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, problem, act };
}

/**
 * The way in: paste, choose contexts, test them side by side, describe, save.
 *
 * Promises: nothing is saved before its test passed, or on purpose as disabled; the secret lives in
 * one place of this component, is dropped on the way back to pasting and on leaving, and never
 * enters an address, a cache or storage. Does not: judge what was pasted; the server does.
 */
import { useQueryClient } from "@tanstack/react-query";
import { Link, useBlocker, useRouter } from "@tanstack/react-router";
import { useEffect, useReducer, useRef, useState } from "react";
import { serverNow } from "../api/clock";
import { INFRASTRUCTURE_NOUNS, infrastructureCreate, kubeconfigParse } from "../api/commands";
import { connectionTest } from "../api/connectionTest";
import { type ApiProblem, problemOf } from "../api/problem";
import type { Source } from "../api/types";
import { type Text, useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { notify } from "../ui/Notices";
import { PageHead } from "../ui/Page";
import styles from "./AddWizard.module.css";
import { ContextTable } from "./ContextTable";
import { DescribeStep } from "./DescribeStep";
import { describeBody } from "./describe";
import { type SourceDraft, SourceForm } from "./SourceForm";
import { TestStep } from "./TestStep";
import { WizardSteps } from "./WizardSteps";
import {
  type Candidate,
  chosenOf,
  failedOf,
  keptOf,
  passedOf,
  runningOf,
  WIZARD_BEGUN,
  type WizardState,
  wizardReduce,
} from "./wizard";

/** The sentence at the top: where things stand. */
function answerOf(t: Text, state: WizardState): string {
  const chosen = chosenOf(state).length;
  const [passed, failed] = [passedOf(state).length, failedOf(state).length];
  switch (state.step) {
    case "source":
      return t("wizard.answer_source");
    case "contexts": {
      const usable = state.candidates.filter((it) => it.context?.usable).length;
      return t("wizard.answer_contexts", { count: state.candidates.length, usable });
    }
    case "test":
      return runningOf(state).length > 0
        ? t("wizard.answer_testing", { chosen, passed, failed })
        : failed === 0
          ? t("wizard.answer_passed", { passed })
          : t("wizard.answer_failed", { passed, failed });
    case "describe":
      return t("wizard.answer_describe", { count: keptOf(state).length });
  }
}

/** The host of an address, as a first name for what has no context. */
function hostOf(endpoint: string): string {
  try {
    return new URL(endpoint).hostname;
  } catch {
    return endpoint;
  }
}

export function AddWizard() {
  const t = useText();
  const router = useRouter();
  const cache = useQueryClient();
  const [state, dispatch] = useReducer(wizardReduce, WIZARD_BEGUN);
  const [reading, setReading] = useState(false);
  const [saving, setSaving] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [typed, setTyped] = useState(false);
  const secret = useRef<SourceDraft | null>(null);
  const tests = useRef(new Map<string, AbortController>());
  const left = useRef(false);

  useEffect(() => {
    const running = tests.current;
    return () => {
      secret.current = null;
      for (const test of running.values()) test.abort();
    };
  }, []);

  const dirty = typed || state.candidates.some((it) => !it.saved);
  const blocker = useBlocker({
    shouldBlockFn: () => dirty && !left.current,
    enableBeforeUnload: () => dirty && !left.current,
    withResolver: true,
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (
        event.key !== "Escape" ||
        event.defaultPrevented ||
        document.querySelector("[role=dialog],[role=menu]")
      )
        return;
      void router.navigate({ to: "/admin/infrastructures" });
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [router]);

  const sourceOf = (it: Candidate): Source | null => {
    const draft = secret.current;
    if (!draft) return null;
    return draft.kind === "kubeconfig" ? { ...draft, context: it.key } : draft;
  };

  const testRun = (candidates: readonly Pick<Candidate, "key">[]) => {
    dispatch({ type: "test-begun", keys: candidates.map((it) => it.key), now_ms: serverNow() });
    for (const it of candidates) {
      const source = sourceOf(it as Candidate);
      if (!source) continue;
      tests.current.get(it.key)?.abort();
      const mine = new AbortController();
      tests.current.set(it.key, mine);
      void connectionTest({ source }, mine.signal, (event) =>
        dispatch({ type: "test-event", key: it.key, event }),
      );
    }
  };

  const read = async (draft: SourceDraft) => {
    secret.current = draft;
    setProblem(null);
    if (draft.kind !== "kubeconfig") {
      const key = draft.kind === "token" ? draft.endpoint : "in-cluster";
      dispatch({ type: "source-read", key, name: draft.kind === "token" ? hostOf(key) : key });
      testRun([{ key }]);
      return;
    }
    setReading(true);
    try {
      const { contexts } = await kubeconfigParse(draft.kubeconfig);
      dispatch({ type: "contexts-read", contexts });
      const [only] = contexts;
      // One context that can be used leaves nothing to choose.
      if (contexts.length === 1 && only?.usable) testRun([{ key: only.name }]);
    } catch (error) {
      secret.current = null;
      setProblem(problemOf(error));
    } finally {
      setReading(false);
    }
  };

  const backToSource = () => {
    for (const test of tests.current.values()) test.abort();
    // Back keeps everything but the secret.
    secret.current = null;
    setTyped(false);
    dispatch({ type: "step", step: "source" });
  };

  const saveAll = async () => {
    setSaving(true);
    const saved: { id: string; name: string }[] = [];
    let refused = false;
    for (const it of keptOf(state)) {
      if (it.saved) {
        saved.push(it.saved);
        continue;
      }
      const source = sourceOf(it);
      if (!source) continue;
      try {
        const narrow = it.narrow && (it.run?.report?.overpowered ?? false);
        const made = await infrastructureCreate({
          ...describeBody(it.describe),
          source,
          is_default: it.isDefault,
          save_if_failing: it.anyway,
          narrow,
          hosts_environments: narrow && it.hosts,
        });
        saved.push({ id: made.id, name: made.name });
        dispatch({ type: "saved", key: it.key, saved: { id: made.id, name: made.name } });
      } catch (error) {
        refused = true;
        dispatch({ type: "refused", key: it.key, problem: problemOf(error) });
      }
    }
    setSaving(false);
    await Promise.all(INFRASTRUCTURE_NOUNS.map((noun) => cache.invalidateQueries({ queryKey: [noun] })));
    // Each refusal is shown on its own form, which takes the focus.
    if (refused) return;
    secret.current = null;
    left.current = true;
    const [first] = saved;
    notify(t("done.saved", { count: saved.length, name: first?.name ?? "" }));
    await (saved.length === 1 && first
      ? router.navigate({ to: "/admin/infrastructures/$id", params: { id: first.id } })
      : router.navigate({ to: "/admin/infrastructures" }));
  };

  return (
    <>
      <PageHead
        title={t("wizard.title")}
        crumb={
          <nav aria-label={t("infrastructure.breadcrumb")}>
            <Link to="/admin/infrastructures">{t("tab.infrastructures")}</Link> /
          </nav>
        }
        answer={<span role="status">{answerOf(t, state)}</span>}
      />
      <div className={styles.wizard}>
        <WizardSteps state={state} />
        <div className={styles.body}>
          {state.step === "source" && (
            <SourceForm
              way={state.way}
              onWay={(way) => {
                setProblem(null);
                dispatch({ type: "way", way });
              }}
              onRead={(draft) => void read(draft)}
              onDirty={setTyped}
              busy={reading}
              problem={problem}
              submitLabel={t(state.way === "kubeconfig" ? "wizard.read" : "wizard.test")}
              onCancel={() => void router.navigate({ to: "/admin/infrastructures" })}
            />
          )}
          {state.step === "contexts" && (
            <ContextTable
              candidates={state.candidates}
              onChoose={(key, chosen) => dispatch({ type: "chosen", key, chosen })}
              onBack={backToSource}
              onTest={() => testRun(chosenOf(state))}
            />
          )}
          {state.step === "test" && (
            <TestStep
              state={state}
              onAnyway={(key, anyway) => dispatch({ type: "anyway", key, anyway })}
              onRetry={testRun}
              onBack={() =>
                state.way === "kubeconfig" && state.candidates.length > 1
                  ? dispatch({ type: "step", step: "contexts" })
                  : backToSource()
              }
              onContinue={() => dispatch({ type: "step", step: "describe" })}
            />
          )}
          {state.step === "describe" && (
            <DescribeStep
              candidates={keptOf(state)}
              saving={saving}
              onChange={(key, change) => dispatch({ type: "described", key, change })}
              onBack={() => dispatch({ type: "step", step: "test" })}
              onSave={() => void saveAll()}
            />
          )}
        </div>
      </div>
      {blocker.status === "blocked" && (
        <Dialog open onClose={blocker.reset} title={t("wizard.leave_title")}>
          <p>{t("wizard.leave_text")}</p>
          <DialogFoot>
            <Button look="danger" onClick={blocker.proceed}>
              {t("wizard.leave")}
            </Button>
            <Button onClick={blocker.reset}>{t("wizard.stay")}</Button>
          </DialogFoot>
        </Dialog>
      )}
    </>
  );
}

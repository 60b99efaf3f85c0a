/**
 * Replaces the credential of an infrastructure: read, test in sight, then swap.
 *
 * Promises: what is in use is not touched before the new one has passed; the secret is forgotten
 * when the dialog closes. Does not: show the old one.
 */
import { useEffect, useRef, useState } from "react";
import {
  type CredentialAsk,
  credentialReplace,
  INFRASTRUCTURE_NOUNS,
  kubeconfigParse,
  useCommand,
} from "../api/commands";
import { ownRun } from "../api/connectionTest";
import { type ApiProblem, problemOf } from "../api/problem";
import type { Infrastructure, ParsedContext, Source } from "../api/types";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { CheckField, SelectField } from "../ui/Field";
import { notify } from "../ui/Notices";
import util from "../ui/util.module.css";
import { ContextProblems } from "./ContextProblems";
import { ProblemNote } from "./ProblemNote";
import { type SourceDraft, SourceForm, type Way } from "./SourceForm";
import { RunStatus, StageList } from "./StageList";
import { useConnectionTest } from "./useConnectionTest";

export default function ReplaceDialog({
  infrastructure: it,
  onClose,
}: {
  infrastructure: Infrastructure;
  onClose: () => void;
}) {
  const t = useText();
  const [way, setWay] = useState<Way>(it.source.kind);
  const [contexts, setContexts] = useState<ParsedContext[] | null>(null);
  const [context, setContext] = useState<string>("");
  const [narrow, setNarrow] = useState(true);
  const [hosts, setHosts] = useState((it.metadata?.drivers.length ?? 0) > 0);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const draft = useRef<SourceDraft>(null);
  const test = useConnectionTest();
  const replace = useCommand((ask: CredentialAsk) => credentialReplace(it.id, ask), {
    refresh: INFRASTRUCTURE_NOUNS,
    onDone: () => {
      notify(t("done.replace", { name: it.name }));
      onClose();
    },
  });
  useEffect(
    () => () => {
      draft.current = null;
    },
    [],
  );

  const source = (): Source | null => {
    const now = draft.current;
    if (!now) return null;
    return now.kind === "kubeconfig" ? { ...now, context: context || null } : now;
  };
  const read = async (next: SourceDraft) => {
    draft.current = next;
    setProblem(null);
    if (next.kind !== "kubeconfig") {
      void test.start({ source: next });
      return;
    }
    try {
      const { contexts: found } = await kubeconfigParse(next.kubeconfig);
      const usable = found.filter((it) => it.usable);
      const first = usable.find((found) => found.name === it.source.context) ?? usable[0];
      setContexts(found);
      setContext(first?.name ?? "");
      if (usable.length === 1 && first) {
        void test.start({ source: { ...next, context: first.name } });
      }
    } catch (error) {
      draft.current = null;
      setProblem(problemOf(error));
    }
  };
  const again = () => {
    const now = source();
    if (now) void test.start({ source: now });
  };
  const startOver = () => {
    draft.current = null;
    setContexts(null);
    setProblem(null);
    test.clear();
  };
  const swap = () => {
    const now = source();
    if (!now) return;
    const narrowed = narrow && overpowered;
    replace.mutate(
      { source: now, narrow: narrowed, hosts_environments: narrowed && hosts },
      { onError: setProblem },
    );
  };

  const run = test.run && ownRun(test.run, it.name);
  const overpowered = run?.report?.overpowered ?? false;
  const usable = contexts?.filter((it) => it.usable) ?? [];
  return (
    <Dialog open onClose={onClose} wide title={t("replace.title", { name: it.name })}>
      {!run && !contexts && (
        <>
          <p className={util.ink2}>{t("replace.explain", { endpoint: it.source.endpoint })}</p>
          <SourceForm
            way={way}
            onWay={setWay}
            onRead={(next) => void read(next)}
            busy={false}
            problem={problem}
            submitLabel={t("replace.test")}
            onCancel={onClose}
          />
        </>
      )}
      {!run && contexts && (
        <>
          {usable.length > 0 ? (
            <SelectField
              label={t("replace.context")}
              value={context}
              onChange={(event) => setContext(event.target.value)}
            >
              {usable.map((it) => (
                <option key={it.name} value={it.name}>
                  {it.name}
                </option>
              ))}
            </SelectField>
          ) : (
            contexts.map((it) => <ContextProblems key={it.name} context={it} />)
          )}
          <DialogFoot>
            {usable.length > 0 && (
              <Button look="primary" onClick={again}>
                {t("replace.test")}
              </Button>
            )}
            <Button onClick={startOver}>{t("action.back")}</Button>
          </DialogFoot>
        </>
      )}
      {run && (
        <>
          <p role="status">
            <RunStatus run={run} />
          </p>
          <StageList run={run} />
          {problem && <ProblemNote problem={problem} />}
          {run.phase === "passed" && overpowered && (
            <CheckField
              label={t("narrow.offer")}
              hint={t("narrow.hint")}
              checked={narrow}
              onChange={(event) => setNarrow(event.target.checked)}
            />
          )}
          {run.phase === "passed" && overpowered && narrow && (
            <CheckField
              label={t("narrow.hosts")}
              hint={t("narrow.hosts_hint")}
              checked={hosts}
              onChange={(event) => setHosts(event.target.checked)}
            />
          )}
          <DialogFoot>
            <Button
              look="primary"
              busy={replace.isPending}
              whyNot={run.phase === "passed" ? null : t("replace.why_not")}
              onClick={swap}
            >
              {t("replace.do")}
            </Button>
            {run.phase !== "running" && run.phase !== "passed" && (
              <Button icon="retry" onClick={again}>
                {t("test.again")}
              </Button>
            )}
            <Button onClick={startOver}>{t("replace.other")}</Button>
          </DialogFoot>
        </>
      )}
    </Dialog>
  );
}

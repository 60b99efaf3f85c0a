/** A refusal or failure of the API in the reader's language. */
import type { ApiProblem } from "../api/problem";
import { useText, useTextIfKnown } from "../i18n/text";
import { CopyLine } from "../ui/CopyLine";
import { Note } from "../ui/Faces";
import styles from "./ProblemNote.module.css";

interface ProblemText {
  title: string;
  hint: string | undefined;
}

/** The catalogue's words for a code; the server's English ones where the console knows none. */
export function useProblemText(): (problem: ApiProblem) => ProblemText {
  const t = useText();
  const known = useTextIfKnown();
  return ({ code, body }) => {
    const slots = { seconds: body.retry_after_seconds ?? 0, name: body.existing?.name ?? "" };
    // A refused configuration has the code of what is wrong with it.
    const own = known(`problem.${code}`, slots) ?? known(`code.${code}.cause`);
    const server = [body.title, body.detail].filter(Boolean).join(": ");
    const ownHint = known(`problem.${code}.hint`, slots) ?? known(`code.${code}.remedy`);
    return {
      title: own ?? (server || t("problem.unexpected_answer")),
      hint: ownHint ?? (own ? undefined : (body.hint ?? undefined)),
    };
  };
}

/** What is wrong with one field, by its code where it has one that the console knows. */
export function useFieldText(): (code: string | null | undefined, detail: string) => string {
  const known = useTextIfKnown();
  return (code, detail) => (code && (known(`problem.${code}`) ?? known(`code.${code}.cause`))) || detail;
}

/** Where in a kubeconfig the fault lies: the server puts the path before its sentence. */
function pathOf({ body }: ApiProblem): string | undefined {
  const [error] = body.errors ?? [];
  return error?.code ? /^([\w.[\]-]+): /.exec(error.detail)?.[1] : undefined;
}

/** The same in a box, for the place where the action was taken. */
export function ProblemNote({ problem }: { problem: ApiProblem }) {
  const t = useText();
  const { title, hint } = useProblemText()(problem);
  const path = pathOf(problem);
  const { command, request_id } = problem.body;
  return (
    <Note tone="down" icon="cross" role="alert">
      <b>{title}</b> {path && <code>{path}</code>}
      {hint && <div>{hint}</div>}
      {command && (
        <div className={styles.command}>
          <CopyLine text={command} copyLabel={t("action.copy")} copiedLabel={t("action.copied")} />
        </div>
      )}
      {problem.status >= 500 && request_id && (
        <div className={styles.request}>{t("problem.request", { id: request_id })}</div>
      )}
    </Note>
  );
}

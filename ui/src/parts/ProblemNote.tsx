/** A refusal or failure of the API in the reader's language. */
import type { ApiProblem } from "../api/problem";
import { useText, useTextIfKnown } from "../i18n/text";
import { Note } from "../ui/Faces";

interface ProblemText {
  title: string;
  hint: string | undefined;
}

/** The catalogue's words for a code; the server's English ones where the console knows none. */
export function useProblemText(): (problem: ApiProblem) => ProblemText {
  const t = useText();
  const known = useTextIfKnown();
  return (problem) => {
    const slots = {
      seconds: problem.body.retry_after_seconds ?? 0,
      name: problem.body.existing?.name ?? "",
    };
    const own = known(`problem.${problem.code}`, slots);
    const server = [problem.body.title, problem.body.detail].filter(Boolean).join(": ");
    return {
      title: own ?? (server || t("problem.unexpected_answer")),
      hint:
        known(`problem.${problem.code}.hint`, slots) ?? (own ? undefined : (problem.body.hint ?? undefined)),
    };
  };
}

/** The same in a box, for the place where the action was taken. */
export function ProblemNote({ problem }: { problem: ApiProblem }) {
  const { title, hint } = useProblemText()(problem);
  return (
    <Note tone="down" icon="cross" role="alert">
      <b>{title}</b>
      {hint && <div>{hint}</div>}
    </Note>
  );
}

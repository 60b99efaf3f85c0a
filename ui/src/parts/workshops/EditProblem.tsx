import type { ApiProblem } from "../../api/problem";
import { useText } from "../../i18n/text";
import { Note } from "../../ui/Faces";
import { ProblemNote } from "../ProblemNote";

/** A refused change; when somebody else saved first, what was typed stays and can be saved over it. */
export function EditProblem({ problem }: { problem: ApiProblem }) {
  const t = useText();
  if (problem.code !== "revision_changed") return <ProblemNote problem={problem} />;
  return (
    <Note tone="warn" icon="triangle" role="alert">
      <b>{t("problem.revision_changed")}</b> {t("workshop.changed_meanwhile")}
    </Note>
  );
}

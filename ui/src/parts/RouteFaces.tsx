/** What stands in a page's place while it loads, when it failed, and when there is none. */
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { useText } from "../i18n/text";
import { Button, ButtonLink } from "../ui/Button";
import { Blank, Failed, Skeleton } from "../ui/Faces";
import { PageHead } from "../ui/Page";
import { useProblemText } from "./ProblemNote";

export function RoutePending() {
  const t = useText();
  return <Skeleton rows={5} height={64} label={t("face.loading")} />;
}

export function RouteFailed({ error, reset }: ErrorComponentProps) {
  const t = useText();
  const router = useRouter();
  const { title, hint } = useProblemText()(problemOf(error));
  const again = () => {
    reset();
    void router.invalidate();
  };
  return (
    <Failed
      title={title}
      action={
        <Button icon="retry" onClick={again}>
          {t("face.try_again")}
        </Button>
      }
    >
      {hint}
    </Failed>
  );
}

export function NotFoundPage() {
  const t = useText();
  return (
    <div>
      <PageHead title={t("not_found.title")} />
      <Blank
        title={t("not_found.answer")}
        action={
          <ButtonLink to="/admin" look="primary">
            {t("not_found.back")}
          </ButtonLink>
        }
      >
        {t("not_found.hint")}
      </Blank>
    </div>
  );
}

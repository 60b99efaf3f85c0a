import { useState } from "react";
import { useForm } from "react-hook-form";
import { INFRASTRUCTURE_NOUNS, infrastructureUpdate, useCommand } from "../api/commands";
import type { ApiProblem } from "../api/problem";
import type { Infrastructure } from "../api/types";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { notify } from "../ui/Notices";
import util from "../ui/util.module.css";
import { DescribeFields } from "./DescribeFields";
import { type DescribeForm, describeBody, describeOf, describeRefused } from "./describe";
import { ProblemNote } from "./ProblemNote";

/** Changes what a person says of an infrastructure. Its address changes with its credential only. */
export default function EditDialog({
  infrastructure,
  onClose,
}: {
  infrastructure: Infrastructure;
  onClose: () => void;
}) {
  const t = useText();
  const [revision, setRevision] = useState(infrastructure.revision);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const form = useForm<DescribeForm>({ defaultValues: describeOf(infrastructure) });
  const save = useCommand(
    (body: DescribeForm) => infrastructureUpdate(infrastructure.id, revision, describeBody(body)),
    {
      refresh: INFRASTRUCTURE_NOUNS,
      onDone: ({ name }) => {
        notify(t("done.edit", { name }));
        onClose();
      },
    },
  );
  const submit = form.handleSubmit((body) =>
    save.mutate(body, {
      onError: (refused) => {
        const { current } = refused.body;
        if (refused.code === "revision_changed" && current) {
          setRevision(current.revision);
          form.reset(describeOf(current));
        }
        setProblem(describeRefused(form, refused) ? null : refused);
      },
    }),
  );
  return (
    <Dialog open onClose={onClose} wide title={t("edit.title", { name: infrastructure.name })}>
      <form onSubmit={submit} className={util.stack} noValidate>
        {problem && <ProblemNote problem={problem} />}
        <DescribeFields form={form} />
        <DialogFoot>
          <Button type="submit" look="primary" busy={save.isPending}>
            {t("action.save")}
          </Button>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}

import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useForm } from "react-hook-form";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Note } from "../ui/Faces";
import { CheckField } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { Status } from "../ui/Status";
import util from "../ui/util.module.css";
import { DescribeFields } from "./DescribeFields";
import styles from "./DescribeStep.module.css";
import { type DescribeForm, describeRefused, isOnField } from "./describe";
import { ProblemNote } from "./ProblemNote";
import { WizardFoot } from "./WizardFoot";
import type { Candidate } from "./wizard";

type Change = Partial<Pick<Candidate, "describe" | "narrow" | "hosts" | "isDefault">>;

/** A name and a place for each that is kept, and what becomes of its credential. */
export function DescribeStep({
  candidates,
  saving,
  onChange,
  onBack,
  onSave,
}: {
  candidates: readonly Candidate[];
  saving: boolean;
  onChange: (key: string, change: Change) => void;
  onBack: () => void;
  onSave: () => void;
}) {
  const t = useText();
  const open = candidates.filter((it) => !it.saved).length;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!saving) onSave();
      }}
      noValidate
    >
      <div className={styles.candidates}>
        {candidates.map((it) => (
          <Describe key={it.key} candidate={it} onChange={(change) => onChange(it.key, change)} />
        ))}
      </div>
      <WizardFoot back={<Button onClick={onBack}>{t("action.back")}</Button>} note={t("wizard.save_note")}>
        <Button type="submit" look="primary" busy={saving}>
          {t("wizard.save", { count: open })}
        </Button>
      </WizardFoot>
    </form>
  );
}

function Describe({ candidate: it, onChange }: { candidate: Candidate; onChange: (change: Change) => void }) {
  const t = useText();
  const form = useForm<DescribeForm>({ defaultValues: it.describe });
  const { watch, clearErrors } = form;
  useEffect(() => {
    const { unsubscribe } = watch((describe, { name }) => {
      // What the server said was of the text before.
      if (name) clearErrors(name);
      onChange({ describe: describe as DescribeForm });
    });
    return unsubscribe;
  }, [watch, clearErrors, onChange]);
  useEffect(() => {
    if (!it.problem) return;
    if (it.problem.code === "name_taken")
      form.setError("name", { message: t("problem.name_taken") }, { shouldFocus: true });
    else describeRefused(form, it.problem);
  }, [it.problem, form, t]);

  const overpowered = it.run?.phase === "passed" && (it.run.report?.overpowered ?? false);
  const existing = it.problem?.body.existing;
  if (it.saved) {
    return (
      <section className={styles.candidate}>
        <h2>{it.saved.name}</h2>
        <Status tone="ok" icon="check">
          {t("wizard.saved")}
        </Status>
      </section>
    );
  }
  return (
    <fieldset className={styles.candidate}>
      <legend>{it.key}</legend>
      {it.problem && !isOnField(it.problem) && (
        <div className={util.stack}>
          <ProblemNote problem={it.problem} />
          {existing?.name && (
            <Link to="/admin/infrastructures/$id" params={{ id: existing.id }}>
              {t("remedy.open_for", { name: existing.name })}
            </Link>
          )}
        </div>
      )}
      {it.anyway && (
        <Note tone="warn" icon="pause">
          {t("wizard.saved_disabled")}
        </Note>
      )}
      <DescribeFields form={form} />
      <div className={styles.checks}>
        {overpowered && (
          <div className={styles.offer}>
            <Icon name="shield" />
            <CheckField
              label={t("narrow.offer")}
              hint={t("narrow.hint")}
              checked={it.narrow}
              onChange={(event) => onChange({ narrow: event.target.checked })}
            />
          </div>
        )}
        {overpowered && it.narrow && (
          <CheckField
            label={t("narrow.hosts")}
            hint={t("narrow.hosts_hint")}
            checked={it.hosts}
            onChange={(event) => onChange({ hosts: event.target.checked })}
          />
        )}
        <CheckField
          label={t("wizard.make_default")}
          hint={t("wizard.make_default_hint")}
          checked={it.isDefault}
          onChange={(event) => onChange({ isDefault: event.target.checked })}
        />
      </div>
    </fieldset>
  );
}

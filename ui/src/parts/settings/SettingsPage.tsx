/** Limits, times and images of the whole installation; each says what it is for and in which unit. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useCommand } from "../../api/commands";
import { type ApiProblem, problemOf } from "../../api/problem";
import { resourceUsage } from "../../api/queries";
import { type SettingsView, settings, settingsUpdate } from "../../api/workshops";
import { type TextKey, useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Failed, Skeleton } from "../../ui/Faces";
import { SelectField, TextField } from "../../ui/Field";
import { notify } from "../../ui/Notices";
import { PageHead, Section } from "../../ui/Page";
import { useMay } from "../may";
import { ProblemNote, useProblemText } from "../ProblemNote";
import { formRefused } from "../workshops/formRefused";
import editor from "../workshops/WorkshopEditor.module.css";
import styles from "./SettingsPage.module.css";
import {
  type SettingImage,
  type SettingNumber,
  type SettingsForm,
  settingsBody,
  settingsField,
  settingsForm,
} from "./settingsForm";

const GROUPS: readonly { title: TextKey; note: TextKey; fields: readonly SettingNumber[] }[] = [
  {
    title: "setting.room",
    note: "setting.room_note",
    fields: ["cpu_max_percent", "memory_max_percent", "storage_max_percent", "environments_max"],
  },
  {
    title: "setting.start",
    note: "setting.start_note",
    fields: ["start_deadline_seconds", "attempts_max", "starts_at_once"],
  },
  { title: "setting.time", note: "setting.time_note", fields: ["warm_up_minutes", "grace_seconds"] },
];
const IMAGES: readonly SettingImage[] = ["vcluster", "kubernetes", "coredns", "terminal"];

export function SettingsPage() {
  const t = useText();
  const read = useQuery(settings());
  const problemText = useProblemText();
  return (
    <>
      <PageHead title={t("tab.settings")} answer={t("setting.answer")} />
      {read.isPending && <Skeleton rows={6} height={56} label={t("face.loading")} />}
      {read.isError && !read.data && (
        <Failed
          title={problemText(problemOf(read.error)).title}
          action={
            <Button icon="retry" onClick={() => void read.refetch()}>
              {t("face.try_again")}
            </Button>
          }
        >
          {problemText(problemOf(read.error)).hint}
        </Failed>
      )}
      {read.data && <Form view={read.data} />}
    </>
  );
}

function Form({ view }: { view: SettingsView }) {
  const t = useText();
  const may = useMay();
  const fleet = useQuery(resourceUsage()).data?.items ?? [];
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const form = useForm<SettingsForm>({ defaultValues: settingsForm(view) });
  const { register, formState, handleSubmit, reset, watch } = form;
  const whyNot = may("settings_write") ? null : t("why_not.write");
  const save = useCommand((body: SettingsForm) => settingsUpdate(settingsBody(body)), {
    refresh: ["settings", "infrastructures", "stats", "placements"],
    onDone: (saved) => {
      notify(t("done.settings"));
      setProblem(null);
      reset(settingsForm(saved));
    },
  });
  const submit = handleSubmit((body) =>
    save.mutate(body, { onError: (refused) => setProblem(formRefused(form, refused, settingsField)) }),
  );
  return (
    <form onSubmit={submit} noValidate autoComplete="off">
      {problem && <ProblemNote problem={problem} />}
      <Section title={t("setting.default")} note={t("setting.default_note")}>
        <div className={styles.fields}>
          <SelectField
            {...register("default_infrastructure_id")}
            // The fleet may be read after the settings: the choice does not wait for its option.
            value={watch("default_infrastructure_id")}
            label={t("setting.default_infrastructure")}
            error={formState.errors.default_infrastructure_id?.message}
          >
            {view.default_infrastructure_id == null && <option value="">{t("setting.no_default")}</option>}
            {fleet.map((it) => (
              <option key={it.id} value={it.id}>
                {it.name}
              </option>
            ))}
            {view.default_infrastructure_id != null &&
              !fleet.some((it) => it.id === view.default_infrastructure_id) && (
                <option value={view.default_infrastructure_id}>{t("setting.default_now")}</option>
              )}
          </SelectField>
        </div>
      </Section>
      {GROUPS.map(({ title, note, fields }) => (
        <Section key={title} title={t(title)} note={t(note)}>
          <div className={styles.fields}>
            {fields.map((it) => (
              <TextField
                key={it}
                {...register(it)}
                inputMode="decimal"
                label={t(`setting.${it}`)}
                hint={t(`setting.${it}_hint`)}
                error={formState.errors[it]?.message}
              />
            ))}
          </div>
        </Section>
      ))}
      <Section title={t("setting.images")} note={t("setting.images_note")}>
        <div className={styles.images}>
          {IMAGES.map((it) => (
            <TextField
              key={it}
              {...register(`image_${it}`)}
              label={t(`setting.image_${it}`)}
              hint={t(`setting.image_${it}_hint`)}
              error={formState.errors[`image_${it}`]?.message}
              spellCheck={false}
              autoCapitalize="none"
            />
          ))}
        </div>
      </Section>
      <div className={editor.foot}>
        <Button type="submit" look="primary" busy={save.isPending} whyNot={whyNot}>
          {t("action.save")}
        </Button>
        {formState.isDirty && (
          <>
            <Button look="ghost" onClick={() => reset()}>
              {t("setting.undo")}
            </Button>
            <span className={editor.dirty}>{t("workshop.unsaved")}</span>
          </>
        )}
      </div>
    </form>
  );
}

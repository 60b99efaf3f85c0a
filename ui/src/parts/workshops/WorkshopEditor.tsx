/**
 * One workshop: what is taught, in which environment, for how long.
 *
 * Promises: sends what was typed, puts each refusal on its field, and never loses the text when
 * somebody else saved first. Does not: change environments that exist; they keep what they were
 * made with.
 */
import { useQueryClient } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { type UseFormReturn, useForm, useWatch } from "react-hook-form";
import { useCommand } from "../../api/commands";
import type { ApiProblem } from "../../api/problem";
import { type Workshop, workshopCreate, workshop as workshopRead, workshopUpdate } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Button, ButtonLink } from "../../ui/Button";
import { Dialog, DialogFoot } from "../../ui/Dialog";
import { CheckField, TextArea, TextField } from "../../ui/Field";
import { notify } from "../../ui/Notices";
import { PageHead, Section } from "../../ui/Page";
import { Crumb } from "../Crumb";
import { useMay } from "../may";
import { ChoiceCards } from "./ChoiceCards";
import { EditProblem } from "./EditProblem";
import { formRefused } from "./formRefused";
import { InstructionsField } from "./InstructionsField";
import { PlacementAnswer } from "./PlacementAnswer";
import styles from "./WorkshopEditor.module.css";
import {
  DRIVERS,
  minutesRead,
  PRESET_NAMES,
  PRESETS,
  type WorkshopForm,
  workshopBody,
  workshopField,
  workshopForm,
} from "./workshopForm";

const WorkshopDelete = lazy(() => import("./WorkshopDelete"));

export function WorkshopEditor({
  workshop,
  copied,
  onSaved,
  onDeleted,
}: {
  /** The one that is changed; none makes a new one. */
  workshop?: Workshop;
  /** What a new one begins with. */
  copied?: Workshop | undefined;
  onSaved: (saved: Workshop) => void;
  onDeleted?: () => void;
}) {
  const t = useText();
  const may = useMay();
  const cache = useQueryClient();
  const [revision, setRevision] = useState(workshop?.revision ?? 0);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [deleting, setDeleting] = useState(false);
  const begun =
    workshop ?? (copied && { ...copied, title: t("workshop.copied_title", { title: copied.title }) });
  const form = useForm<WorkshopForm>({ defaultValues: workshopForm(begun) });
  const { isDirty } = form.formState;
  const whyNot = may("workshop_write") ? null : t("why_not.train");

  // Typed instructions are an hour's work: leaving asks first. What was just saved, or deleted, may go.
  const settled = useRef(false);
  useEffect(() => {
    if (isDirty) settled.current = false;
  }, [isDirty]);
  const isUnsaved = () => isDirty && !settled.current;
  const blocker = useBlocker({
    shouldBlockFn: isUnsaved,
    enableBeforeUnload: isUnsaved,
    withResolver: true,
  });
  const save = useCommand(
    (body: WorkshopForm) =>
      workshop
        ? workshopUpdate(workshop.id, revision, workshopBody(body))
        : workshopCreate(workshopBody(body)),
    {
      refresh: ["workshops", "workshop-sessions"],
      onDone: (saved) => {
        notify(t("done.workshop_saved", { title: saved.title }));
        setRevision(saved.revision);
        setProblem(null);
        form.reset(workshopForm(saved));
        settled.current = true;
        onSaved(saved);
      },
    },
  );
  const submit = form.handleSubmit((body) =>
    save.mutate(body, {
      onError: async (refused) => {
        // Saving once more is then a decision: what was typed stays in the form.
        if (refused.code === "revision_changed" && workshop)
          setRevision((await cache.fetchQuery({ ...workshopRead(workshop.id), staleTime: 0 })).revision);
        setProblem(formRefused(form, refused, workshopField));
      },
    }),
  );
  const errorOf = (field: keyof WorkshopForm) => form.formState.errors[field]?.message;
  const { register } = form;
  return (
    <>
      <PageHead
        heading="large"
        title={workshop?.title ?? t("workshop.new")}
        crumb={<Crumb to="/admin/workshops">{t("tab.workshops")}</Crumb>}
        actions={
          workshop && (
            <>
              {may("session_write") && (
                <ButtonLink to="/admin/sessions/new" search={{ workshop: workshop.id }} icon="plus">
                  {t("session.new")}
                </ButtonLink>
              )}
              <Button
                look="danger"
                icon="trash"
                whyNot={
                  whyNot ??
                  (workshop.open_sessions > 0
                    ? t("workshop.why_not_delete", { count: workshop.open_sessions })
                    : null)
                }
                onClick={() => setDeleting(true)}
              >
                {t("action.delete")}
              </Button>
            </>
          )
        }
      />
      <form onSubmit={submit} noValidate autoComplete="off">
        {problem && <EditProblem problem={problem} />}
        <div className={styles.columns}>
          <div>
            <Section title={t("workshop.what")}>
              <div className={styles.fields}>
                <TextField
                  {...register("title")}
                  label={t("workshop.field.title")}
                  error={errorOf("title")}
                  required
                  maxLength={100}
                />
                <TextArea
                  {...register("summary")}
                  label={t("workshop.field.summary")}
                  hint={t("workshop.field.summary_hint")}
                  error={errorOf("summary")}
                  className={styles.prose}
                  rows={2}
                />
              </div>
            </Section>
            <Section title={t("workshop.environment")} note={t("workshop.environment_note")}>
              <EnvironmentFields form={form} errorOf={errorOf} />
            </Section>
            <Section title={t("workshop.time")}>
              <TimeFields form={form} errorOf={errorOf} />
            </Section>
          </div>
          <aside>
            <Section title={t("workshop.where")}>
              <Where form={form} />
            </Section>
          </aside>
        </div>
        <Section title={t("workshop.instructions")} note={t("workshop.instructions_note")}>
          <InstructionsField form={form} errorOf={errorOf} />
        </Section>
        <div className={styles.foot}>
          <Button type="submit" look="primary" busy={save.isPending} whyNot={whyNot}>
            {workshop ? t("action.save") : t("workshop.create")}
          </Button>
          <ButtonLink to="/admin/workshops">{t("action.cancel")}</ButtonLink>
          {isDirty && <span className={styles.dirty}>{t("workshop.unsaved")}</span>}
        </div>
      </form>
      {blocker.status === "blocked" && (
        <Dialog open onClose={blocker.reset} title={t("wizard.leave_title")}>
          <p>{t("workshop.leave")}</p>
          <DialogFoot>
            <Button look="danger" onClick={blocker.proceed}>
              {t("wizard.leave")}
            </Button>
            <Button onClick={blocker.reset}>{t("wizard.stay")}</Button>
          </DialogFoot>
        </Dialog>
      )}
      {deleting && workshop && (
        <Suspense>
          <WorkshopDelete
            workshop={workshop}
            onClose={() => setDeleting(false)}
            onDeleted={() => {
              settled.current = true;
              onDeleted?.();
            }}
          />
        </Suspense>
      )}
    </>
  );
}

type ErrorOf = (field: keyof WorkshopForm) => string | undefined;

function EnvironmentFields({ form, errorOf }: { form: UseFormReturn<WorkshopForm>; errorOf: ErrorOf }) {
  const t = useText();
  const format = useFormat();
  const { register, setValue, control } = form;
  const [driver, preset] = useWatch({ control, name: ["driver", "preset"] });
  const touched = { shouldDirty: true } as const;
  return (
    <div className={styles.fields}>
      <ChoiceCards
        legend={t("workshop.field.driver")}
        name="driver"
        value={driver}
        onChoose={(next) => setValue("driver", next, touched)}
        options={DRIVERS.map((it) => ({
          value: it,
          label: t(`driver.${it}`),
          text: t(`driver.${it}_text`),
        }))}
      />
      <ChoiceCards
        legend={t("workshop.field.preset")}
        name="preset"
        value={preset}
        onChoose={(next) => setValue("preset", next, touched)}
        options={PRESET_NAMES.map((it) => ({
          value: it,
          label: t(`preset.${it}`),
          text: t("preset.allows", {
            cores: format.cores(PRESETS[it].cores * 1_000),
            memory: t("unit.gib", { value: format.count(PRESETS[it].memory_gib) }),
            pods: PRESETS[it].pods,
            storage: t("unit.gib", { value: format.count(PRESETS[it].storage_gib) }),
          }),
        }))}
      />
      <div className={styles.two}>
        <TextField
          {...register("kubernetes_version")}
          label={t("workshop.field.version")}
          hint={t("workshop.field.version_hint")}
          error={errorOf("kubernetes_version")}
          placeholder="v1.35.0"
          spellCheck={false}
          autoCapitalize="none"
        />
        <TextField
          {...register("selector")}
          label={t("workshop.field.selector")}
          hint={t("workshop.field.selector_hint")}
          error={errorOf("selector")}
          placeholder="training=yes, site=paris"
          spellCheck={false}
          autoCapitalize="none"
        />
      </div>
      <CheckField
        {...register("internet")}
        label={t("workshop.field.internet")}
        hint={t("workshop.field.internet_hint")}
      />
      {driver === "vcluster" && (
        <CheckField
          {...register("persistent")}
          label={t("workshop.field.persistent")}
          hint={t("workshop.field.persistent_hint")}
        />
      )}
    </div>
  );
}

function TimeFields({ form, errorOf }: { form: UseFormReturn<WorkshopForm>; errorOf: ErrorOf }) {
  const t = useText();
  const format = useFormat();
  const { register, control } = form;
  const [duration, extension, deadline] = useWatch({
    control,
    name: ["duration_minutes", "extension_minutes", "deadline_minutes"],
  });
  const spoken = (text: string): ReactNode =>
    minutesRead(text) > 0
      ? t("workshop.field.is", { duration: format.duration(minutesRead(text) * 60) })
      : null;
  return (
    <div className={styles.three}>
      <TextField
        {...register("duration_minutes")}
        inputMode="numeric"
        label={t("workshop.field.duration")}
        hint={spoken(duration) ?? t("workshop.field.duration_hint")}
        error={errorOf("duration_minutes")}
      />
      <TextField
        {...register("extension_minutes")}
        inputMode="numeric"
        label={t("workshop.field.extension")}
        hint={spoken(extension) ?? t("workshop.field.extension_hint")}
        error={errorOf("extension_minutes")}
      />
      <TextField
        {...register("deadline_minutes")}
        inputMode="numeric"
        label={t("workshop.field.deadline")}
        hint={spoken(deadline) ?? t("workshop.field.deadline_hint")}
        error={errorOf("deadline_minutes")}
      />
    </div>
  );
}

/** Whether one environment of this kind could be had now, and where. */
function Where({ form }: { form: UseFormReturn<WorkshopForm> }) {
  const t = useText();
  const { driver, preset, persistent, selector, kubernetes_version } = workshopBody(
    useWatch({ control: form.control, compute: (it: WorkshopForm) => it }),
  );
  return (
    <PlacementAnswer
      before={<p className={styles.small}>{t("workshop.where_note")}</p>}
      ask={{ driver, preset, persistent, selector, kubernetes_version, count: 1 }}
    />
  );
}

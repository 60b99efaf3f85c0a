/**
 * One session: which workshop, when, for how many, and whether there is room for them.
 *
 * Promises: the answer where so many would go stands beside the form while it is filled in, so that
 * nothing is promised that does not fit. Does not: reserve room by answering.
 */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { type UseFormReturn, useForm, useWatch } from "react-hook-form";
import { useCommand } from "../../api/commands";
import type { ApiProblem } from "../../api/problem";
import {
  SESSION_NOUNS,
  type Workshop,
  type WorkshopSession,
  workshopList,
  workshopSession,
  workshopSessionCreate,
  workshopSessionUpdate,
} from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Button, ButtonLink } from "../../ui/Button";
import { Blank, Note } from "../../ui/Faces";
import { CheckField, SelectField, TextArea, TextField } from "../../ui/Field";
import { notify } from "../../ui/Notices";
import { PageHead, Section } from "../../ui/Page";
import { Crumb } from "../Crumb";
import { useMay } from "../may";
import { ChoiceCards } from "./ChoiceCards";
import { EditProblem } from "./EditProblem";
import { formRefused } from "./formRefused";
import { PlacementAnswer } from "./PlacementAnswer";
import {
  countRead,
  endMoved,
  poolFor,
  type SessionForm,
  sessionBody,
  sessionField,
  sessionForm,
} from "./sessionForm";
import styles from "./WorkshopEditor.module.css";

export function SessionEditor({
  session,
  workshopId,
  onSaved,
}: {
  /** The one that is changed; none makes a new one. */
  session?: WorkshopSession;
  /** The workshop of a new one. */
  workshopId?: string | undefined;
  onSaved: (saved: WorkshopSession) => void;
}) {
  const t = useText();
  const { data } = useQuery(workshopList());
  const items = data?.items;
  const chosen = items?.find((it) => it.id === workshopId) ?? items?.[0];
  const head = (
    <PageHead
      heading="large"
      title={session ? t("session.edit_title", { name: session.name }) : t("session.new")}
      crumb={
        session ? (
          <Crumb to="/admin/sessions/$id" params={{ id: session.id }}>
            {session.name}
          </Crumb>
        ) : (
          <Crumb to="/admin/workshops">{t("tab.workshops")}</Crumb>
        )
      }
    />
  );
  if (!session && items && !chosen) {
    return (
      <>
        {head}
        <Blank
          title={t("session.why_not_without")}
          action={
            <ButtonLink to="/admin/workshops/new" look="primary" icon="book">
              {t("workshop.first")}
            </ButtonLink>
          }
        />
      </>
    );
  }
  return (
    <>
      {head}
      {(session || chosen) && (
        <Editor session={session} chosen={chosen} workshops={items ?? []} onSaved={onSaved} />
      )}
    </>
  );
}

function Editor({
  session,
  chosen,
  workshops,
  onSaved,
}: {
  session: WorkshopSession | undefined;
  chosen: Workshop | undefined;
  workshops: readonly Workshop[];
  onSaved: (saved: WorkshopSession) => void;
}) {
  const t = useText();
  const may = useMay();
  const cache = useQueryClient();
  const [revision, setRevision] = useState(session?.revision ?? 0);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const form = useForm<SessionForm>({
    defaultValues: sessionForm(
      session,
      {
        workshop_id: chosen?.id ?? "",
        title: chosen?.title ?? "",
        duration_minutes: chosen?.duration_minutes ?? 240,
      },
      new Date(),
    ),
  });
  const whyNot = may("session_write") ? null : t("why_not.train");
  const save = useCommand(
    (typed: SessionForm) => {
      const body = sessionBody(typed, session);
      return session
        ? workshopSessionUpdate(session.id, revision, body)
        : workshopSessionCreate({ ...body, workshop_id: typed.workshop_id });
    },
    {
      refresh: SESSION_NOUNS,
      onDone: (saved) => {
        notify(t("done.session_saved", { name: saved.name }));
        onSaved(saved);
      },
    },
  );
  const submit = form.handleSubmit((body) =>
    save.mutate(body, {
      onError: async (refused) => {
        // Saving once more is then a decision: what was typed stays in the form.
        if (refused.code === "revision_changed" && session)
          setRevision((await cache.fetchQuery({ ...workshopSession(session.id), staleTime: 0 })).revision);
        setProblem(formRefused(form, refused, sessionField));
      },
    }),
  );
  const [workshop_id, seats] = useWatch({ control: form.control, name: ["workshop_id", "seats"] });
  const workshop = workshops.find((it) => it.id === workshop_id);
  const count = countRead(seats);
  return (
    <form onSubmit={submit} noValidate autoComplete="off">
      {problem && <EditProblem problem={problem} />}
      <div className={styles.columns}>
        <div>
          <Section title={t("session.what")}>
            <WhatFields form={form} workshops={workshops} session={session} />
          </Section>
          <Section title={t("session.who")}>
            <WhoFields form={form} session={session} />
          </Section>
          <Section title={t("session.pool")} note={t("session.pool_note")}>
            <PoolFields form={form} />
          </Section>
          <Section title={t("session.message")}>
            <TextArea
              {...form.register("message")}
              label={t("session.field.message")}
              hint={t("session.field.message_hint")}
              error={form.formState.errors.message?.message}
              className={styles.prose}
              rows={2}
            />
          </Section>
        </div>
        <aside>
          <Section title={t("session.room")}>
            <PlacementAnswer
              before={
                <>
                  <p className={styles.small}>
                    {workshop
                      ? t("session.room_note", {
                          count: count ?? 0,
                          driver: t(`driver.${workshop.driver}`),
                          preset: t(`preset.${workshop.preset}`),
                        })
                      : t("placement.not_yet")}
                  </p>
                  {session && session.counts.joined > 0 && <Note>{t("session.room_beside")}</Note>}
                </>
              }
              ask={workshop_id && count && count <= 1_000 ? { workshop_id, count } : null}
            />
          </Section>
        </aside>
      </div>
      <div className={styles.foot}>
        <Button type="submit" look="primary" busy={save.isPending} whyNot={whyNot}>
          {session ? t("action.save") : t("session.create")}
        </Button>
        {session ? (
          <ButtonLink to="/admin/sessions/$id" params={{ id: session.id }}>
            {t("action.cancel")}
          </ButtonLink>
        ) : (
          <ButtonLink to="/admin/workshops">{t("action.cancel")}</ButtonLink>
        )}
      </div>
    </form>
  );
}

function WhatFields({
  form,
  workshops,
  session,
}: {
  form: UseFormReturn<SessionForm>;
  workshops: readonly Workshop[];
  session: WorkshopSession | undefined;
}) {
  const t = useText();
  const format = useFormat();
  const { register, formState, setValue, getValues, control } = form;
  const errorOf = (field: keyof SessionForm) => formState.errors[field]?.message;
  const [starts_at, ends_at] = useWatch({ control, name: ["starts_at", "ends_at"] });
  const before = useRef({ starts_at, ends_at });
  const seconds = (Date.parse(ends_at) - Date.parse(starts_at)) / 1_000;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <div className={styles.fields}>
      {session ? (
        <TextField label={t("session.field.workshop")} value={session.workshop_title} readOnly />
      ) : (
        <SelectField
          {...register("workshop_id", {
            onChange: ({ target: { value } }) => {
              const it = workshops.find(({ id }) => id === value);
              // A name that a person typed stays.
              if (it && !formState.dirtyFields.name) setValue("name", it.title);
            },
          })}
          label={t("session.field.workshop")}
          error={errorOf("workshop_id")}
        >
          {workshops.map((it) => (
            <option key={it.id} value={it.id}>
              {it.title}
            </option>
          ))}
        </SelectField>
      )}
      <TextField
        {...register("name")}
        label={t("session.field.name")}
        hint={t("session.field.name_hint")}
        error={errorOf("name")}
        required
        maxLength={100}
      />
      <div className={styles.three}>
        <TextField
          {...register("starts_at", {
            onChange: ({ target: { value } }) => {
              setValue("ends_at", endMoved({ ...before.current, ends_at: getValues("ends_at") }, value));
              if (!Number.isNaN(Date.parse(value)))
                before.current = { starts_at: value, ends_at: getValues("ends_at") };
            },
          })}
          type="datetime-local"
          label={t("session.field.starts")}
          hint={zone}
          error={errorOf("starts_at")}
        />
        <TextField
          {...register("ends_at")}
          type="datetime-local"
          label={t("session.field.ends")}
          hint={
            seconds > 0
              ? t("session.field.lasts", { duration: format.duration(seconds) })
              : t("session.field.ends_hint")
          }
          error={errorOf("ends_at")}
        />
        <TextField
          {...register("ready_by")}
          type="datetime-local"
          label={t("session.field.ready_by")}
          hint={t("session.field.ready_by_hint")}
          error={errorOf("ready_by")}
        />
      </div>
    </div>
  );
}

function WhoFields({
  form,
  session,
}: {
  form: UseFormReturn<SessionForm>;
  session: WorkshopSession | undefined;
}) {
  const t = useText();
  const { register, formState, setValue, control } = form;
  const access = useWatch({ control, name: "access" });
  return (
    <div className={styles.fields}>
      <TextField
        {...register("seats", {
          onChange: ({ target: { value } }) => {
            const seats = countRead(value);
            if (seats !== null && !session && !formState.dirtyFields.pool_initial)
              setValue("pool_initial", String(poolFor(seats)));
          },
        })}
        inputMode="numeric"
        label={t("session.field.seats")}
        hint={t("session.field.seats_hint")}
        error={formState.errors.seats?.message}
      />
      <ChoiceCards
        legend={t("session.field.access")}
        name="access"
        value={access}
        onChoose={(next) => setValue("access", next, { shouldDirty: true })}
        options={[
          { value: "open", label: t("session.access_open"), text: t("session.access_open_text") },
          { value: "roster", label: t("session.access_roster"), text: t("session.access_roster_text") },
        ]}
      />
      {session && (
        <CheckField
          {...register("is_full")}
          label={t("session.field.is_full")}
          hint={t("session.field.is_full_hint")}
        />
      )}
    </div>
  );
}

function PoolFields({ form: { register, formState } }: { form: UseFormReturn<SessionForm> }) {
  const t = useText();
  return (
    <div className={styles.two}>
      <TextField
        {...register("pool_initial")}
        inputMode="numeric"
        label={t("session.field.pool_initial")}
        hint={t("session.field.pool_initial_hint")}
        error={formState.errors.pool_initial?.message}
      />
      <TextField
        {...register("pool_reserved")}
        inputMode="numeric"
        label={t("session.field.pool_reserved")}
        hint={t("session.field.pool_reserved_hint")}
        error={formState.errors.pool_reserved?.message}
      />
    </div>
  );
}

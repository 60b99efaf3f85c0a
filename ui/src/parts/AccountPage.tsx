import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { passwordChange, sessionRevoke, useCommand } from "../api/commands";
import { type ApiProblem, fieldErrors, problemOf } from "../api/problem";
import { me, sessionList } from "../api/queries";
import type { Session } from "../api/types";
import { useFormat } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { useNow } from "../i18n/now";
import { languageSwitch, useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/Faces";
import { TextField } from "../ui/Field";
import { notify } from "../ui/Notices";
import { PageHead, Section } from "../ui/Page";
import { Segmented } from "../ui/Segmented";
import { Tag } from "../ui/Status";
import { type Theme, themeChoose, useTheme } from "../ui/theme";
import util from "../ui/util.module.css";
import styles from "./AccountPage.module.css";
import { Age } from "./InfrastructureStatus";
import { ProblemNote, useFieldText } from "./ProblemNote";
import { browserName } from "./userAgent";

export function AccountPage() {
  const t = useText();
  const { data } = useSuspenseQuery(me());
  return (
    <>
      <PageHead
        title={t("account.title")}
        answer={t("account.answer", {
          name: data.user.name || data.user.email,
          role: t(`role.${data.user.role}`),
        })}
      />
      <div className={styles.columns}>
        <div>
          <Appearance />
          <PasswordForm />
        </div>
        <Sessions />
      </div>
    </>
  );
}

function Appearance() {
  const t = useText();
  const language = useLanguage();
  const theme = useTheme();
  return (
    <Section title={t("account.appearance")}>
      <div className={styles.choices}>
        <span>{t("account.language")}</span>
        <Segmented
          label={t("account.language")}
          value={language}
          options={[
            { value: "en", label: "English" },
            { value: "fr", label: "Français" },
          ]}
          onChoose={(next) => void languageSwitch(next)}
        />
        <span>{t("account.theme")}</span>
        <Segmented<Theme>
          label={t("account.theme")}
          value={theme}
          options={[
            { value: "system", label: t("theme.system") },
            { value: "light", label: t("theme.light") },
            { value: "dark", label: t("theme.dark") },
          ]}
          onChoose={themeChoose}
        />
      </div>
    </Section>
  );
}

interface PasswordAsk {
  current_password: string;
  new_password: string;
}

function PasswordForm() {
  const t = useText();
  const fieldText = useFieldText();
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const { register, handleSubmit, reset, setError, formState } = useForm<PasswordAsk>();
  const change = useCommand(passwordChange, {
    refresh: ["auth"],
    onDone: () => {
      reset();
      setProblem(null);
      notify(t("done.password"));
    },
  });
  const submit = handleSubmit((ask) =>
    change.mutate(ask, {
      onError: (refused) => {
        let onField = false;
        for (const [pointer, { code, detail }] of Object.entries(fieldErrors(refused))) {
          const field = pointer === "password" ? "new_password" : pointer;
          if (field !== "current_password" && field !== "new_password") continue;
          setError(field, { message: fieldText(code, detail) }, { shouldFocus: !onField });
          onField = true;
        }
        setProblem(onField ? null : refused);
      },
    }),
  );
  return (
    <Section title={t("account.password_title")} note={t("account.password_note")}>
      <form onSubmit={submit} className={styles.form} noValidate>
        {problem && <ProblemNote problem={problem} />}
        <TextField
          label={t("account.password_now")}
          type="password"
          autoComplete="current-password"
          error={formState.errors.current_password?.message}
          {...register("current_password")}
        />
        <TextField
          label={t("account.password_new")}
          hint={t("account.password_hint")}
          type="password"
          autoComplete="new-password"
          error={formState.errors.new_password?.message}
          {...register("new_password")}
        />
        <div>
          <Button type="submit" busy={change.isPending}>
            {t("account.password_change")}
          </Button>
        </div>
      </form>
    </Section>
  );
}

function Sessions() {
  const t = useText();
  const list = useQuery(sessionList());
  return (
    <Section title={t("sessions.title")} note={t("sessions.note")}>
      {list.isPending && <Skeleton rows={2} height={56} label={t("face.loading")} />}
      {list.isError && !list.data && <ProblemNote problem={problemOf(list.error)} />}
      <ul>
        {list.data?.items.map((it) => (
          <SessionLine key={it.id} session={it} />
        ))}
      </ul>
    </Section>
  );
}

function SessionLine({ session: it }: { session: Session }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const revoke = useCommand(sessionRevoke, { refresh: ["auth"], onDone: () => notify(t("done.revoke")) });
  const browser = browserName(it.user_agent) ?? t("sessions.unknown_browser");
  return (
    <li className={styles.session}>
      <div>
        <b>{browser}</b> {it.current && <Tag>{t("sessions.this")}</Tag>}
        <p className={util.muted}>
          {it.address} · {t("sessions.since", { moment: format.moment(it.created_at, now_ms) })}
        </p>
        <p className={util.muted}>
          {t("sessions.last_seen")} <Age at={it.last_seen_at} />
        </p>
        {revoke.isError && <ProblemNote problem={revoke.error} />}
      </div>
      <Button
        size="s"
        look="danger"
        busy={revoke.isPending}
        whyNot={it.current ? t("sessions.why_not") : null}
        aria-label={t("sessions.revoke_for", { browser })}
        onClick={() => revoke.mutate(it.id)}
      >
        {t("sessions.revoke")}
      </Button>
    </li>
  );
}

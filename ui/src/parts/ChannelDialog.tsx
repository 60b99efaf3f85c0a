/**
 * Makes or changes a channel. Promises: an address and a key that are stored are never shown; left
 * empty they stay as they are. Does not: check them; the server does, and the test proves them.
 */
import { useState } from "react";
import { useForm } from "react-hook-form";
import { alertChannelCreate, alertChannelDelete, alertChannelUpdate, useCommand } from "../api/commands";
import { type ApiProblem, fieldErrors } from "../api/problem";
import type { AlertChannel, AlertChannelCreate, RuleKind, Severity, WebhookFormat } from "../api/types";
import { useLanguage } from "../i18n/language";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { Note } from "../ui/Faces";
import { CheckField, SelectField, TextField } from "../ui/Field";
import { notify } from "../ui/Notices";
import { Segmented } from "../ui/Segmented";
import util from "../ui/util.module.css";
import styles from "./AlertSide.module.css";
import { useRuleName } from "./alertText";
import { ProblemNote, useFieldText } from "./ProblemNote";
import { RULE_KINDS } from "./rules";

interface ChannelForm {
  name: string;
  enabled: boolean;
  min_severity: Severity;
  language: "en" | "fr";
  every_rule: boolean;
  rules: RuleKind[];
  format: WebhookFormat;
  url: string;
  secret: string;
  remove_secret: boolean;
  to: string;
}

const FORMATS: readonly WebhookFormat[] = ["standard", "slack", "teams", "mattermost"];
const FIELDS: readonly (keyof ChannelForm)[] = ["name", "url", "secret", "to", "rules"];

/** What the form says, as the API takes it. */
export function channelBody(kind: AlertChannel["kind"], form: ChannelForm): AlertChannelCreate {
  return {
    name: form.name.trim(),
    enabled: form.enabled,
    min_severity: form.min_severity,
    language: form.language,
    rules: form.every_rule ? null : form.rules,
    webhook:
      kind === "webhook"
        ? {
            format: form.format,
            url: form.url.trim() || null,
            secret: form.secret.trim() || null,
            remove_secret: form.remove_secret,
          }
        : null,
    mail: kind === "mail" ? { to: form.to.split(/[\s,;]+/).filter(Boolean) } : null,
  };
}

export default function ChannelDialog({
  channel,
  mailReady,
  onClose,
}: {
  channel: AlertChannel | null;
  mailReady: boolean;
  onClose: () => void;
}) {
  const t = useText();
  const ruleName = useRuleName();
  const fieldText = useFieldText();
  const language = useLanguage();
  const [kind, setKind] = useState<AlertChannel["kind"]>(channel?.kind ?? "webhook");
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const { register, handleSubmit, setError, watch, formState } = useForm<ChannelForm>({
    defaultValues: {
      name: channel?.name ?? "",
      enabled: channel?.enabled ?? true,
      min_severity: channel?.min_severity ?? "warning",
      language: channel?.language ?? language,
      every_rule: channel?.rules == null,
      rules: channel?.rules ?? [],
      format: channel?.webhook?.format ?? "standard",
      url: "",
      secret: "",
      remove_secret: false,
      to: channel?.mail?.to.join(", ") ?? "",
    },
  });
  const { errors } = formState;
  const save = useCommand(
    (form: ChannelForm) => {
      const body = channelBody(kind, form);
      return channel
        ? alertChannelUpdate(channel.id, { ...body, revision: channel.revision })
        : alertChannelCreate(body);
    },
    {
      refresh: ["alert-channels"],
      onDone: ({ name }) => {
        notify(t("done.channel_saved", { name }));
        onClose();
      },
    },
  );
  const remove = useCommand(() => alertChannelDelete(channel?.id ?? ""), {
    refresh: ["alert-channels"],
    onDone: () => {
      notify(t("done.channel_deleted", { name: channel?.name ?? "" }));
      onClose();
    },
  });
  const submit = handleSubmit((form) =>
    save.mutate(form, {
      onError: (refused) => {
        let placed = false;
        for (const [pointer, { code, detail }] of Object.entries(fieldErrors(refused))) {
          const name = pointer.split(/[./]/).find((it) => FIELDS.includes(it as keyof ChannelForm));
          if (!name) continue;
          setError(name as keyof ChannelForm, { message: fieldText(code, detail) }, { shouldFocus: !placed });
          placed = true;
        }
        setProblem(placed ? null : refused);
      },
    }),
  );
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={channel ? t("channel.edit_title", { name: channel.name }) : t("channel.add_title")}
    >
      <form className={util.stack} onSubmit={submit} noValidate autoComplete="off">
        {(problem ?? remove.error) && <ProblemNote problem={(problem ?? remove.error) as ApiProblem} />}
        {!channel && (
          <Segmented<AlertChannel["kind"]>
            label={t("channel.kind")}
            value={kind}
            onChoose={setKind}
            options={[
              { value: "webhook", label: t("channel.kind.webhook") },
              { value: "mail", label: t("channel.kind.mail") },
            ]}
          />
        )}
        <TextField
          {...register("name")}
          label={t("channel.name")}
          error={errors.name?.message}
          placeholder={t(kind === "mail" ? "channel.name_mail" : "channel.name_webhook")}
        />
        {kind === "mail" ? (
          <>
            {!mailReady && (
              <Note tone="warn" icon="triangle">
                {t("channel.no_mail_server")}
              </Note>
            )}
            <TextField
              {...register("to")}
              label={t("channel.to")}
              hint={t("channel.to_hint")}
              error={errors.to?.message}
              inputMode="email"
            />
          </>
        ) : (
          <>
            <SelectField {...register("format")} label={t("channel.format")} hint={t("channel.format_hint")}>
              {FORMATS.map((it) => (
                <option key={it} value={it}>
                  {t(`channel.format.${it}`)}
                </option>
              ))}
            </SelectField>
            <TextField
              {...register("url")}
              label={t("channel.url")}
              hint={
                channel?.webhook
                  ? t("channel.url_kept", { url: channel.webhook.url_shown })
                  : t("channel.url_hint")
              }
              error={errors.url?.message}
              inputMode="url"
              autoComplete="off"
              placeholder="https://hooks.example.org/…"
              spellCheck={false}
            />
            {watch("format") === "standard" && (
              <>
                <TextField
                  {...register("secret")}
                  type="password"
                  label={t("channel.secret")}
                  hint={t(channel?.webhook?.has_secret ? "channel.secret_kept" : "channel.secret_hint")}
                  error={errors.secret?.message}
                  autoComplete="new-password"
                />
                {channel?.webhook?.has_secret && (
                  <CheckField {...register("remove_secret")} label={t("channel.remove_secret")} />
                )}
              </>
            )}
          </>
        )}
        <div className={styles.two}>
          <SelectField {...register("min_severity")} label={t("channel.min_severity")}>
            <option value="info">{t("channel.severity.info")}</option>
            <option value="warning">{t("channel.severity.warning")}</option>
            <option value="critical">{t("channel.severity.critical")}</option>
          </SelectField>
          <SelectField {...register("language")} label={t("channel.language")}>
            <option value="en">English</option>
            <option value="fr">Français</option>
          </SelectField>
        </div>
        <CheckField {...register("every_rule")} label={t("channel.every_rule")} />
        {!watch("every_rule") && (
          <fieldset className={styles.fieldset}>
            <legend>{t("channel.rules")}</legend>
            <div className={styles.checks}>
              {RULE_KINDS.map((it) => (
                <CheckField key={it} {...register("rules")} value={it} label={ruleName(it)} />
              ))}
            </div>
            {errors.rules?.message && <span className={styles.failed}>{errors.rules.message}</span>}
          </fieldset>
        )}
        <CheckField {...register("enabled")} label={t("channel.enabled")} />
        <DialogFoot>
          <Button type="submit" look="primary" busy={save.isPending}>
            {t("action.save")}
          </Button>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          {channel && (
            <Button
              look="danger"
              icon="trash"
              busy={remove.isPending}
              onClick={() => remove.mutate(undefined)}
            >
              {t("channel.delete")}
            </Button>
          )}
        </DialogFoot>
      </form>
    </Dialog>
  );
}

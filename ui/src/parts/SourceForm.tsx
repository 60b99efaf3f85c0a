/**
 * How an infrastructure is reached: a pasted kubeconfig, an address and a token, or the cluster
 * NALABO runs in.
 *
 * Promises: what was typed is handed over once and cleared from the fields; nothing goes anywhere
 * but to our own server. Does not: check it; the server reads it and says what is wrong.
 */
import { type DragEvent, type FormEvent, useRef, useState } from "react";
import { type ApiProblem, fieldErrors } from "../api/problem";
import type { Source } from "../api/types";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Note } from "../ui/Faces";
import { TextArea, TextField } from "../ui/Field";
import { Segmented } from "../ui/Segmented";
import util from "../ui/util.module.css";
import { ProblemNote } from "./ProblemNote";
import styles from "./SourceForm.module.css";

/** A kubeconfig before its context is chosen, or a whole source. */
export type SourceDraft =
  | { kind: "kubeconfig"; kubeconfig: string }
  | Exclude<Source, { kind: "kubeconfig" }>;
export type Way = SourceDraft["kind"];

/** Nobody's kubeconfig is longer; a film dropped by mistake is not read into memory. */
const FILE_LIMIT_BYTES = 1_048_576;

export function SourceForm({
  way,
  onWay,
  onRead,
  onDirty,
  busy,
  problem,
  submitLabel,
  onCancel,
}: {
  way: Way;
  onWay: (way: Way) => void;
  onRead: (draft: SourceDraft) => void;
  onDirty?: (dirty: boolean) => void;
  busy: boolean;
  problem: ApiProblem | null;
  submitLabel: string;
  onCancel?: () => void;
}) {
  const t = useText();
  const form = useRef<HTMLFormElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const errors = problem ? fieldErrors(problem) : {};
  const errorOf = (field: string) => (errors[field] ?? errors[`source.${field}`])?.detail;

  const fileRead = async (dropped: File | undefined) => {
    const text = form.current?.elements.namedItem("kubeconfig");
    if (!dropped || !(text instanceof HTMLTextAreaElement)) return;
    if (dropped.size > FILE_LIMIT_BYTES) {
      setRefused(t("code.kubeconfig_too_large.cause"));
      return;
    }
    setRefused(null);
    text.value = await dropped.text();
    onDirty?.(true);
    form.current?.requestSubmit();
  };

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void fileRead(event.dataTransfer.files[0]);
  };

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const data = new FormData(event.currentTarget);
    const text = (name: string) => String(data.get(name) ?? "");
    if (way === "kubeconfig") onRead({ kind: "kubeconfig", kubeconfig: text("kubeconfig") });
    else if (way === "in_cluster") onRead({ kind: "in_cluster" });
    else {
      const certificate_authority = text("certificate_authority").trim() || null;
      onRead({
        kind: "token",
        endpoint: text("endpoint").trim(),
        token: text("token").trim(),
        certificate_authority,
      });
    }
  };

  return (
    <form
      ref={form}
      onSubmit={submit}
      onInput={(event) => {
        setRefused(null);
        const fields = [...event.currentTarget.elements];
        onDirty?.(
          fields.some(
            (it) => (it instanceof HTMLInputElement || it instanceof HTMLTextAreaElement) && it.value !== "",
          ),
        );
      }}
      className={util.stack}
      autoComplete="off"
      noValidate
    >
      <Segmented<Way>
        label={t("source.way")}
        value={way}
        onChoose={onWay}
        options={[
          { value: "kubeconfig", label: t("source.kubeconfig") },
          { value: "token", label: t("source.token") },
          { value: "in_cluster", label: t("source.in_cluster") },
        ]}
      />
      {problem && <ProblemNote problem={problem} />}
      {way === "kubeconfig" && (
        // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button beside it is the first.
        <div
          className={styles.drop}
          data-over={over || undefined}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          <TextArea
            key="kubeconfig"
            name="kubeconfig"
            label={t("source.kubeconfig")}
            hint={t("source.kubeconfig_hint")}
            error={refused ?? errorOf("kubeconfig")}
            placeholder={"apiVersion: v1\nkind: Config\nclusters:\n- name: …"}
            spellCheck={false}
            autoCapitalize="none"
            required
          />
          <p className={styles.file}>
            <input
              ref={file}
              type="file"
              hidden
              accept=".yaml,.yml,.conf,.config,.kubeconfig,application/yaml,text/*"
              onChange={(event) => {
                void fileRead(event.target.files?.[0]);
                event.target.value = "";
              }}
            />
            <Button icon="file" size="s" onClick={() => file.current?.click()}>
              {t("source.choose_file")}
            </Button>
            <span>{t("source.or_drop")}</span>
          </p>
        </div>
      )}
      {way === "token" && (
        <>
          <TextField
            name="endpoint"
            label={t("source.endpoint")}
            hint={t("source.endpoint_hint")}
            error={errorOf("endpoint")}
            placeholder="https://api.example.org:6443"
            inputMode="url"
            autoCapitalize="none"
            spellCheck={false}
          />
          <TextField
            name="token"
            type="password"
            label={t("source.bearer")}
            hint={t("source.bearer_hint")}
            error={errorOf("token")}
            autoComplete="off"
          />
          <TextArea
            key="authority"
            name="certificate_authority"
            label={t("source.authority")}
            hint={t("source.authority_hint")}
            error={errorOf("certificate_authority")}
            placeholder="-----BEGIN CERTIFICATE-----"
            spellCheck={false}
            className={styles.short}
          />
        </>
      )}
      {way === "in_cluster" && <Note>{t("source.in_cluster_text")}</Note>}
      <div className={styles.foot}>
        <Button type="submit" look="primary" busy={busy}>
          {submitLabel}
        </Button>
        {onCancel && <Button onClick={onCancel}>{t("action.cancel")}</Button>}
        <span className={styles.private}>{t("source.private")}</span>
      </div>
    </form>
  );
}

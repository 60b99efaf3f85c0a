import type { CredentialFace, Infrastructure } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { type TextKey, useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Section } from "../ui/Page";
import { Status } from "../ui/Status";
import styles from "./CredentialSection.module.css";
import { credentialDaysLeft } from "./InfrastructureRow";
import { useMay } from "./may";

const KIND_WORDS: Record<CredentialFace["kind"], TextKey> = {
  token: "credential.token",
  client_certificate: "credential.client_certificate",
  service_account: "credential.service_account",
};

/** All that may be known of the stored credential, and the one thing to do with it. */
export function CredentialSection({
  infrastructure: it,
  onReplace,
}: {
  infrastructure: Infrastructure;
  onReplace: () => void;
}) {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const now_ms = useNow();
  const { credential } = it.source;
  const days = credentialDaysLeft(credential, now_ms);
  const expiry =
    credential.expires_at == null
      ? t("credential.no_expiry")
      : t(credential.renewed ? "credential.renewed_until" : "credential.until", {
          day: format.moment(credential.expires_at, now_ms),
        });
  return (
    <Section
      title={t("credential.title")}
      end={
        <Button
          size="s"
          icon="key"
          whyNot={may("infrastructure_write") ? null : t("why_not.write")}
          onClick={onReplace}
        >
          {t("action.replace")}
        </Button>
      }
    >
      <dl className={styles.list}>
        <div>
          <dt>{t("credential.kind")}</dt>
          <dd>{t(KIND_WORDS[credential.kind])}</dd>
        </div>
        {credential.subject && (
          <div>
            <dt>{t("credential.subject")}</dt>
            <dd className={styles.code}>{credential.subject}</dd>
          </div>
        )}
        <div>
          <dt>{t("credential.fingerprint")}</dt>
          <dd className={styles.code}>{credential.fingerprint}</dd>
        </div>
        <div>
          <dt>{t("credential.expiry")}</dt>
          <dd>
            {days === null ? (
              expiry
            ) : (
              <Status tone={days < 7 ? "down" : "warn"} icon="key" small>
                {days < 0 ? t("credential.ended") : t("credential.ends_in", { days })}
              </Status>
            )}
          </dd>
        </div>
        {it.certificate_expires_at && (
          <div>
            <dt>{t("credential.server_certificate")}</dt>
            <dd>{t("credential.until", { day: format.day(it.certificate_expires_at) })}</dd>
          </div>
        )}
      </dl>
      <p className={styles.note}>{t("credential.note")}</p>
    </Section>
  );
}

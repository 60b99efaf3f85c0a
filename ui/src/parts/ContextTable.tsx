import type { ParsedContext } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import field from "../ui/Field.module.css";
import { Icon } from "../ui/Icon";
import { Status, Tag } from "../ui/Status";
import table from "../ui/Table.module.css";
import util from "../ui/util.module.css";
import { ContextProblems } from "./ContextProblems";
import styles from "./ContextTable.module.css";
import { WizardFoot } from "./WizardFoot";
import type { Candidate } from "./wizard";

/** The contexts that were found: those that can be used to choose from, the others with their way out. */
export function ContextTable({
  candidates,
  onChoose,
  onBack,
  onTest,
}: {
  candidates: readonly Candidate[];
  onChoose: (key: string, chosen: boolean) => void;
  onBack: () => void;
  onTest: () => void;
}) {
  const t = useText();
  const chosen = candidates.filter((it) => it.chosen).length;
  return (
    <>
      <table className={`${table.table} ${table.cards} ${styles.contexts}`}>
        <thead>
          <tr>
            <th scope="col" className={styles.box}>
              <span className={util.sr}>{t("context.chosen")}</span>
            </th>
            <th scope="col">{t("context.context")}</th>
            <th scope="col">{t("context.server")}</th>
            <th scope="col">{t("context.credential")}</th>
            <th scope="col">{t("context.verdict")}</th>
          </tr>
        </thead>
        <tbody>
          {candidates.map(
            (it) =>
              it.context && (
                <ContextLine key={it.key} context={it.context} chosen={it.chosen} onChoose={onChoose} />
              ),
          )}
        </tbody>
      </table>
      <WizardFoot
        back={<Button onClick={onBack}>{t("action.back")}</Button>}
        note={t("wizard.nothing_saved")}
      >
        <Button look="primary" whyNot={chosen > 0 ? null : t("context.why_not")} onClick={onTest}>
          {t("context.test", { count: chosen })}
          <Icon name="arrow" />
        </Button>
      </WizardFoot>
    </>
  );
}

function ContextLine({
  context: it,
  chosen,
  onChoose,
}: {
  context: ParsedContext;
  chosen: boolean;
  onChoose: (key: string, chosen: boolean) => void;
}) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const kind = it.credential_kind ? t(`credential.${it.credential_kind}`) : "—";
  return (
    <>
      <tr data-unusable={!it.usable || undefined}>
        <td className={styles.box}>
          <input
            type="checkbox"
            className={field.box}
            checked={chosen}
            disabled={!it.usable}
            onChange={(event) => onChoose(it.name, event.target.checked)}
            aria-label={t(it.usable ? "context.choose" : "context.cannot_choose", { name: it.name })}
          />
        </td>
        <th scope="row" className={table.wide}>
          <b>{it.name}</b> {it.is_current && <Tag>{t("context.current")}</Tag>}
        </th>
        <td className={`${table.wide} ${util.mono}`}>
          {it.server ?? "—"}
          {it.tls_server_name && (
            <span className={table.sub}>{t("context.tls_server_name", { name: it.tls_server_name })}</span>
          )}
        </td>
        <td data-label={t("context.credential")}>
          {kind}
          {it.credential_expires_at && (
            <span className={table.sub}>
              {Date.parse(it.credential_expires_at) < now_ms
                ? t("credential.ended")
                : t("credential.until", { day: format.day(it.credential_expires_at) })}
            </span>
          )}
        </td>
        <td data-label={t("context.verdict")}>
          {it.usable ? (
            <Status tone="ok" icon="check" small>
              {t("context.usable")}
            </Status>
          ) : (
            <Status tone="idle" icon="cross" small>
              {t("context.unusable")}
            </Status>
          )}
        </td>
      </tr>
      {it.problems.length > 0 && (
        <tr className={styles.fix}>
          <td colSpan={5} className={table.wide}>
            <ContextProblems context={it} />
          </td>
        </tr>
      )}
    </>
  );
}

import type { Environment } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Reasons } from "../workshops/PlacementAnswer";
import { usePlacementResource } from "../workshops/rejectionText";
import styles from "./PlacementWhy.module.css";

/** Why it lives where it does: what was tightest there, and what was against the others. */
export function PlacementWhy({ environment: it }: { environment: Environment }) {
  const t = useText();
  const format = useFormat();
  const resourceText = usePlacementResource();
  const { placement } = it;
  return (
    <div className={styles.why}>
      {placement ? (
        <>
          <p>
            {t("env.placed", {
              name: placement.name,
              resource: resourceText(placement.tightest),
              free: format.permille(Math.max(0, placement.free_percent) * 10),
            })}
          </p>
          {placement.rejected.length > 0 ? (
            <Reasons of={placement.rejected} />
          ) : (
            <p>{t("env.placed_alone")}</p>
          )}
        </>
      ) : (
        <p>{t("env.not_placed")}</p>
      )}
      <dl className={styles.facts}>
        <div>
          <dt>{t("env.namespace")}</dt>
          <dd>
            <code>{it.namespace}</code>
          </dd>
        </div>
        {it.kubernetes_version && (
          <div>
            <dt>{t("about.kubernetes")}</dt>
            <dd>{it.kubernetes_version.replace(/^v/, "")}</dd>
          </div>
        )}
      </dl>
      {it.detail && (
        <p className={styles.detail} lang="en">
          {it.detail}
        </p>
      )}
    </div>
  );
}

import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { Infrastructure } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import { Status, Tag } from "../ui/Status";
import table from "../ui/Table.module.css";
import util from "../ui/util.module.css";
import { EnvironmentBadge } from "./EnvironmentBadge";
import { StateStrip } from "./history/StateStrip";
import { InfrastructureActions } from "./InfrastructureActions";
import type { OpenDialog } from "./InfrastructureDialogs";
import { Age, InfrastructureStatus, ReasonLine } from "./InfrastructureStatus";
import styles from "./InfrastructureTable.module.css";
import { ResourceCell } from "./ResourceCell";
import { isOld } from "./state";
import { usageOf } from "./usage";

/** An answer slower than this is worth a second look. */
const SLOW_MS = 500;
/** A row has room for hours, each as bad as its worst half. */
const STRIP_SLOTS = 24;
/** A credential that ends sooner is mentioned. */
const EXPIRY_DAYS = 30;
const DAY_MS = 86_400_000;

/** Days until a credential ends, when that is soon and nobody renews it. */
export function credentialDaysLeft(
  credential: Infrastructure["source"]["credential"],
  now_ms: number,
): number | null {
  if (credential.expires_at == null || credential.renewed) return null;
  const days = Math.floor((Date.parse(credential.expires_at) - now_ms) / DAY_MS);
  return days < EXPIRY_DAYS ? days : null;
}

export const InfrastructureRow = memo(function InfrastructureRow({
  infrastructure: it,
  index,
  measure,
  onOpen,
}: {
  infrastructure: Infrastructure;
  index: number;
  measure?: (row: HTMLTableRowElement | null) => void;
  onOpen: (dialog: OpenDialog) => void;
}) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const { status, metadata } = it;
  const old = isOld(status.state, metadata?.observed_at, now_ms);
  const from = { observedAt: metadata?.observed_at, metricsReason: metadata?.metrics_reason };
  const unready = metadata && metadata.nodes_ready < metadata.nodes_total;
  return (
    <tr
      ref={measure}
      data-index={index}
      aria-rowindex={index + 2}
      className={styles.row}
      data-old={old || undefined}
      data-environment={it.environment}
    >
      <th scope="row" className={styles.name}>
        <span className={styles.title}>
          <Link to="/admin/infrastructures/$id" params={{ id: it.id }}>
            {it.name}
          </Link>
          {it.is_default && (
            <span className={styles.star} title={t("infrastructure.default")}>
              <Icon name="star" size={12} />
              <span className={util.sr}>{t("infrastructure.default")}</span>
            </span>
          )}
        </span>
        <span className={styles.place}>
          <EnvironmentBadge environment={it.environment} />
          {it.region && <span>{it.region}</span>}
        </span>
      </th>
      <td className={`${styles.status} ${styles.keep}`}>
        <span className={styles.statusLine}>
          <InfrastructureStatus state={status.state} />
          {it.mode === "cordoned" && <Tag icon="cordon">{t("mode.cordoned")}</Tag>}
        </span>
        <span className={table.sub}>
          <ReasonLine status={status} nodes={metadata} />
          <CredentialWarning infrastructure={it} now_ms={now_ms} />
        </span>
      </td>
      <td className={styles.last} data-label={t("column.last_success")}>
        <Age at={status.last_success_at} old={old} />
      </td>
      <td className={styles.version} data-label={t("column.version")}>
        {metadata ? metadata.kubernetes_version.replace(/^v/, "") : "—"}
      </td>
      <td className={`${table.num} ${styles.nodes}`} data-label={t("column.nodes")}>
        {!metadata ? (
          "—"
        ) : unready ? (
          <span title={t("nodes.ready_of", { ready: metadata.nodes_ready, total: metadata.nodes_total })}>
            <b className={old ? undefined : util.warn}>{format.count(metadata.nodes_ready)}</b> /{" "}
            {format.count(metadata.nodes_total)}
          </span>
        ) : (
          format.count(metadata.nodes_total)
        )}
      </td>
      <td className={styles.gauge} data-label={t("resource.cpu")}>
        <ResourceCell resource="cpu" usage={usageOf("cpu", metadata)} from={from} />
      </td>
      <td className={styles.gauge} data-label={t("resource.memory")}>
        <ResourceCell resource="memory" usage={usageOf("memory", metadata)} from={from} />
      </td>
      <td className={`${styles.gauge} ${styles.storage}`} data-label={t("resource.storage")}>
        <ResourceCell resource="storage" usage={usageOf("storage", metadata)} from={from} />
      </td>
      <td className={`${table.num} ${styles.pods}`} data-label={t("resource.pods")}>
        {metadata ? (
          <>
            {format.count(metadata.pods.running)}
            <span className={table.sub}>{t("pods.of", { allocatable: metadata.pods.allocatable })}</span>
          </>
        ) : (
          "—"
        )}
      </td>
      <td className={styles.strip} data-label={t("column.day")}>
        <StateStrip strip={it.strip} most={STRIP_SLOTS} />
      </td>
      <td className={`${table.num} ${styles.latency}`} data-label={t("column.latency")}>
        <span data-slow={(status.latency_ms ?? 0) > SLOW_MS || undefined}>
          {format.milliseconds(status.latency_ms)}
        </span>
      </td>
      <td className={styles.actions}>
        <InfrastructureActions infrastructure={it} onOpen={onOpen} />
      </td>
    </tr>
  );
});

function CredentialWarning({
  infrastructure: it,
  now_ms,
}: {
  infrastructure: Infrastructure;
  now_ms: number;
}) {
  const t = useText();
  const days = credentialDaysLeft(it.source.credential, now_ms);
  if (days === null) return null;
  return (
    <Status tone={days < 7 ? "down" : "warn"} icon="key" small>
      {days < 0 ? t("credential.ended") : t("credential.ends_in", { days })}
    </Status>
  );
}

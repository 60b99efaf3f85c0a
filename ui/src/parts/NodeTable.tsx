/**
 * The nodes of one infrastructure: which is full, which is not ready, and why.
 *
 * Promises: the same formula as everywhere; old figures stay, dimmed; a node in trouble comes
 * first. Does not: ask the cluster; it is as of the last full check.
 */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { problemOf } from "../api/problem";
import { nodeList } from "../api/queries";
import type { NodeRow } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText, useTextIfKnown } from "../i18n/text";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/Faces";
import { CheckField } from "../ui/Field";
import { Section } from "../ui/Page";
import { SortHeader } from "../ui/SortHeader";
import { Status, Tag } from "../ui/Status";
import table from "../ui/Table.module.css";
import { CsvLink } from "./CsvLink";
import styles from "./NodeTable.module.css";
import { isTroubled, type NodeSort, nodesInOrder } from "./nodes";
import { ProblemNote } from "./ProblemNote";
import { RESOURCE_WORDS, ResourceCell } from "./ResourceCell";
import { RESOURCES, usageOf } from "./usage";

/** More than this stand behind a click. */
const SHOWN = 50;

export function NodeTable({
  id,
  metricsReason,
  storageReason,
}: {
  id: string;
  /** Why use is not known, as codes of the API. */
  metricsReason: string | null | undefined;
  storageReason: string | null | undefined;
}) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const read = useQuery(nodeList(id));
  const [sort, setSort] = useState<NodeSort>();
  const [onlyTrouble, setOnlyTrouble] = useState(false);
  const [all, setAll] = useState(false);
  const nodes = read.data?.items ?? [];
  const troubled = nodes.filter(isTroubled);
  const wanted = nodesInOrder(onlyTrouble ? troubled : nodes, sort);
  const rows = all ? wanted : wanted.slice(0, SHOWN);
  const sorting = { sort, onSort: setSort };
  const reasons = { cpu: metricsReason, memory: metricsReason, storage: storageReason, pods: null };
  return (
    <Section
      id="nodes"
      title={t("node.title")}
      note={
        read.data &&
        nodes.length > 0 &&
        (read.data.stale && read.data.observed_at
          ? t("infrastructure.usage_old", { moment: format.moment(read.data.observed_at, now_ms) })
          : t("nodes.ready_of", { ready: nodes.filter((it) => it.ready).length, total: nodes.length }))
      }
      end={
        read.data &&
        nodes.length > 0 && (
          <>
            <CheckField
              label={t("node.only_trouble", { count: troubled.length })}
              checked={onlyTrouble}
              onChange={({ target: { checked } }) => setOnlyTrouble(checked)}
            />
            <CsvLink href={`/api/admin/infrastructures/${id}/nodes?format=csv`} />
          </>
        )
      }
    >
      {read.isPending && <Skeleton rows={4} height={52} label={t("face.loading")} />}
      {read.isError && !read.data && <ProblemNote problem={problemOf(read.error)} />}
      {read.data && wanted.length === 0 && (
        <p className={styles.none}>{t(onlyTrouble ? "node.none_troubled" : "node.none")}</p>
      )}
      {wanted.length > 0 && (
        <table
          className={`${table.table} ${table.cards} ${styles.nodes}`}
          data-old={read.data?.stale || undefined}
        >
          <thead>
            <tr>
              <SortHeader by="name" {...sorting}>
                {t("node.name")}
              </SortHeader>
              <SortHeader by="status" first="down" {...sorting}>
                {t("column.status")}
              </SortHeader>
              {RESOURCES.map((resource) => (
                <SortHeader key={resource} by={resource} first="down" {...sorting} className={styles.gauge}>
                  {t(RESOURCE_WORDS[resource])}
                </SortHeader>
              ))}
              <SortHeader by="version" {...sorting} className={styles.version}>
                {t("column.version")}
              </SortHeader>
              <SortHeader by="age" first="down" {...sorting} className={`${table.num} ${styles.age}`}>
                {t("column.age")}
              </SortHeader>
            </tr>
          </thead>
          <tbody>
            {rows.map((node) => (
              <NodeLine key={node.name} node={node} reasons={reasons} at={read.data?.used_observed_at} />
            ))}
          </tbody>
        </table>
      )}
      {wanted.length > rows.length && (
        <Button size="s" onClick={() => setAll(true)}>
          {t("node.all", { count: wanted.length })}
        </Button>
      )}
    </Section>
  );
}

function NodeLine({
  node,
  reasons,
  at,
}: {
  node: NodeRow;
  reasons: Record<(typeof RESOURCES)[number], string | null | undefined>;
  at: string | null | undefined;
}) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  return (
    <tr>
      <th scope="row" className={table.wide}>
        <b className={styles.name}>{node.name}</b>
        <span className={table.sub}>
          {t("node.about", {
            roles: node.roles.join(", ") || t("node.worker"),
            architecture: node.architecture,
          })}
        </span>
      </th>
      <td className={table.wide}>
        <NodeStatus node={node} />
      </td>
      {RESOURCES.map((resource) => (
        <td key={resource} className={styles.gauge} data-label={t(RESOURCE_WORDS[resource])}>
          <ResourceCell
            resource={resource}
            usage={usageOf(resource, node)}
            from={{ observedAt: at, metricsReason: reasons[resource] }}
          />
        </td>
      ))}
      <td className={styles.version} data-label={t("column.version")}>
        {node.kubelet_version.replace(/^v/, "")}
        <span className={table.sub}>{node.os_image}</span>
      </td>
      <td className={`${table.num} ${styles.age}`} data-label={t("column.age")}>
        {node.created_at ? format.duration((now_ms - Date.parse(node.created_at)) / 1_000) : "—"}
      </td>
    </tr>
  );
}

function NodeStatus({ node }: { node: NodeRow }) {
  const t = useText();
  const known = useTextIfKnown();
  return (
    <>
      <span className={styles.status}>
        <Status tone={node.ready ? "ok" : "warn"} icon={node.ready ? "check" : "triangle"}>
          {t(node.ready ? "node.ready" : "node.not_ready")}
        </Status>
        {node.unschedulable && <Tag icon="cordon">{t("mode.cordoned")}</Tag>}
      </span>
      {node.pressures.map((it) => (
        <span key={it} className={styles.pressure}>
          <Status tone="warn" icon="triangle" small>
            {known(`node_pressure.${it}`) ?? it}
          </Status>
        </span>
      ))}
    </>
  );
}

/**
 * One infrastructure: its state and why, three facts, how full it is, and its settings.
 *
 * Promises: opens from what NALABO knows, without asking the infrastructure; old figures stay,
 * dimmed and dated; production is named all the time. Does not: show the stored credential.
 */
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { infrastructure } from "../api/queries";
import type { Infrastructure } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import type { Doing } from "../routes/admin.infrastructures.$id";
import { Button } from "../ui/Button";
import { Note } from "../ui/Faces";
import { Icon } from "../ui/Icon";
import { PageHead, Section } from "../ui/Page";
import { Tag } from "../ui/Status";
import { CredentialSection } from "./CredentialSection";
import { useCodeText } from "./codeText";
import { EnvironmentBadge } from "./EnvironmentBadge";
import { InfrastructureEnvironments } from "./environments/InfrastructureEnvironments";
import { Facts } from "./Facts";
import { InfrastructureCharts } from "./history/InfrastructureCharts";
import { LastDay } from "./history/LastDay";
import type { HistorySearch } from "./history/ranges";
import { InfrastructureActions } from "./InfrastructureActions";
import { InfrastructureDialogs } from "./InfrastructureDialogs";
import styles from "./InfrastructurePage.module.css";
import { Age, InfrastructureStatus, ReasonLine } from "./InfrastructureStatus";
import { useMay } from "./may";
import { useModeCommand } from "./modeCommand";
import { NodeTable } from "./NodeTable";
import { RESOURCE_WORDS, ResourceCell, useAmount } from "./ResourceCell";
import { MissingRights, RunStatus, StageList } from "./StageList";
import { StatusHistory } from "./StatusHistory";
import { useShortcuts } from "./shortcuts";
import { isOld } from "./state";
import { TestTime } from "./TestTime";
import { UsageKey } from "./UsageKey";
import { RESOURCES, usageOf } from "./usage";
import { useConnectionTest } from "./useConnectionTest";
import { VolumesSection } from "./VolumesSection";
import { Warnings } from "./Warnings";

export function InfrastructurePage({
  id,
  doing,
  onDo,
  search,
  onSearch,
  onLeave,
}: {
  id: string;
  doing: Doing | undefined;
  onDo: (doing: Doing | null) => void;
  /** Which time the charts show. */
  search: HistorySearch;
  onSearch: (change: HistorySearch) => void;
  onLeave: () => Promise<void>;
}) {
  const t = useText();
  const may = useMay();
  const { data: it } = useSuspenseQuery(infrastructure(id));
  const test = useConnectionTest();
  const { run: changeMode, isPending } = useModeCommand(it);

  const whyNotTest = !may("infrastructure_test")
    ? t("why_not.operate")
    : it.mode === "disabled"
      ? t("why_not.disabled", { name: it.name })
      : null;
  const { start } = test;
  const startTest = useCallback(() => {
    document.getElementById("test")?.scrollIntoView({ block: "nearest" });
    void start({ id });
  }, [start, id]);
  useShortcuts({ t: () => whyNotTest === null && startTest() });

  // A link that says "test" starts it once; the address then says where we are, not what we did.
  const asked = useRef(false);
  useEffect(() => {
    if (doing !== "test" || asked.current) return;
    asked.current = true;
    if (whyNotTest === null) startTest();
    onDo(null);
  }, [doing, whyNotTest, startTest, onDo]);

  return (
    <>
      {it.environment === "production" && <ProductionBand />}
      <PageHead
        heading="large"
        title={it.name}
        crumb={
          <nav aria-label={t("infrastructure.breadcrumb")}>
            <Link to="/admin/infrastructures">{t("tab.infrastructures")}</Link> /
          </nav>
        }
        titleRow={
          <>
            {it.is_default && (
              <span className={styles.star} title={t("infrastructure.default")}>
                <Icon name="star" />
              </span>
            )}
            <EnvironmentBadge environment={it.environment} />
            <InfrastructureStatus state={it.status.state} checking={test.run?.phase === "running"} pill />
            {it.mode === "cordoned" && <Tag icon="cordon">{t("mode.cordoned")}</Tag>}
            <span className={styles.reason}>
              <ReasonLine status={it.status} nodes={it.metadata} />
            </span>
          </>
        }
        actions={
          <>
            <Button icon="pulse" whyNot={whyNotTest} busy={test.run?.phase === "running"} onClick={startTest}>
              {t("action.test")} <kbd>t</kbd>
            </Button>
            <ModeButton infrastructure={it} busy={isPending} onChange={changeMode} />
            <InfrastructureActions onPage infrastructure={it} onOpen={({ kind }) => onDo(kind)} />
          </>
        }
      />
      {it.description && <p className={styles.description}>{it.description}</p>}
      <Facts infrastructure={it} />
      <About infrastructure={it} />
      {test.run && (
        <Section
          id="test"
          title={t("infrastructure.test")}
          note={
            <span role="status">
              <RunStatus run={test.run} />
            </span>
          }
          end={
            <>
              <TestTime begun_ms={test.run.begun_ms} running={test.run.phase === "running"} />
              {test.run.phase !== "running" && (
                <Button size="s" icon="retry" onClick={startTest}>
                  {t("test.again")}
                </Button>
              )}
              <Button size="s" look="ghost" onClick={test.clear}>
                {t("action.close")}
              </Button>
            </>
          }
        >
          <StageList run={test.run} />
        </Section>
      )}
      <LastDay infrastructure={it} />
      <InfrastructureEnvironments id={id} />
      <UsageNow infrastructure={it} />
      <InfrastructureCharts infrastructure={it} search={search} onSearch={onSearch} />
      {it.metadata && it.metadata.missing_rights.length > 0 && (
        <Section
          id="rights"
          title={t("infrastructure.rights")}
          note={t("infrastructure.rights_note", { count: it.metadata.missing_rights.length })}
        >
          <MissingRights rights={it.metadata.missing_rights} />
        </Section>
      )}
      <NodeTable
        id={id}
        metricsReason={it.metadata?.metrics_reason}
        storageReason={it.metadata?.storage_reason}
      />
      <div className={styles.columns}>
        <div>
          <Warnings id={id} />
          <StatusHistory id={id} />
        </div>
        <div>
          <VolumesSection infrastructure={it} />
          <CredentialSection infrastructure={it} onReplace={() => onDo("replace")} />
        </div>
      </div>
      <InfrastructureDialogs
        open={doing && doing !== "test" ? { kind: doing, infrastructure: it } : null}
        onClose={() => onDo(null)}
        onDeleted={onLeave}
      />
    </>
  );
}

/** Stands under the top bar, across the whole window, as long as the page is open. */
function ProductionBand() {
  const t = useText();
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  // The shell may be drawn in the same pass, so its slot is looked for afterwards.
  useLayoutEffect(() => setSlot(document.getElementById("band")), []);
  return (
    slot &&
    createPortal(
      <aside className={styles.band} aria-label={t("infrastructure.production")}>
        <Icon name="info" />
        <b>{t("infrastructure.production")}</b>
        <span>{t("infrastructure.production_text")}</span>
      </aside>,
      slot,
    )
  );
}

function ModeButton({
  infrastructure: { mode },
  busy,
  onChange,
}: {
  infrastructure: Infrastructure;
  busy: boolean;
  onChange: (verb: "cordon" | "uncordon" | "enable") => void;
}) {
  const t = useText();
  const may = useMay();
  const verb = mode === "enabled" ? "cordon" : mode === "cordoned" ? "uncordon" : "enable";
  const permitted = may(verb === "enable" ? "infrastructure_write" : "infrastructure_cordon");
  const whyNot = permitted ? null : t(verb === "enable" ? "why_not.write" : "why_not.operate");
  return (
    <Button
      icon={verb === "cordon" ? "cordon" : "check"}
      busy={busy}
      whyNot={whyNot}
      onClick={() => onChange(verb)}
    >
      {t(`action.${verb}`)}
    </Button>
  );
}

/** Version, place, address and labels in one line that wraps. */
function About({ infrastructure: it }: { infrastructure: Infrastructure }) {
  const t = useText();
  const { metadata, source } = it;
  const facts: [string, React.ReactNode][] = [];
  if (metadata) {
    facts.push([t("about.kubernetes"), metadata.kubernetes_version.replace(/^v/, "")]);
    facts.push([t("about.platform"), metadata.platform]);
    facts.push([
      t("column.nodes"),
      t("nodes.ready_of", { ready: metadata.nodes_ready, total: metadata.nodes_total }),
    ]);
  }
  if (it.region) facts.push([t("field.region"), it.region]);
  facts.push([t("about.endpoint"), <code key="endpoint">{source.endpoint}</code>]);
  if (source.context) facts.push([t("about.context"), <code key="context">{source.context}</code>]);
  facts.push([t("about.metrics"), <MetricsSource key="metrics" infrastructure={it} />]);
  if (metadata) facts.push([t("about.inventory"), <Age key="inventory" at={metadata.observed_at} />]);
  for (const [key, value] of Object.entries(it.labels)) facts.push([key, value || "✓"]);
  return (
    <dl className={styles.about}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function MetricsSource({ infrastructure: { metadata } }: { infrastructure: Infrastructure }) {
  const t = useText();
  if (!metadata) return <>—</>;
  if (metadata.metrics_source === "metrics_server") return <>metrics-server</>;
  return <span className={styles.none}>{t("about.metrics_none")}</span>;
}

/** Used, requested and allocatable of the four resources, dated when they are old. */
function UsageNow({ infrastructure: { metadata, status } }: { infrastructure: Infrastructure }) {
  const t = useText();
  const format = useFormat();
  const amount = useAmount();
  const now_ms = useNow();
  if (!metadata) {
    return (
      <Section title={t("infrastructure.usage")}>
        <Note>{t("infrastructure.no_inventory")}</Note>
      </Section>
    );
  }
  const old = isOld(status.state, metadata.observed_at, now_ms);
  return (
    <Section
      title={t("infrastructure.usage")}
      note={
        old
          ? t("infrastructure.usage_old", { moment: format.moment(metadata.observed_at, now_ms) })
          : t("infrastructure.usage_note", { nodes: metadata.nodes_total })
      }
      end={<UsageKey />}
    >
      <div className={styles.use} data-old={old || undefined}>
        {RESOURCES.map((resource) => {
          const usage = usageOf(resource, metadata);
          if (!usage) return null;
          return (
            <div key={resource}>
              <h3>{t(RESOURCE_WORDS[resource])}</h3>
              <p className={styles.big}>
                {amount(resource, usage.used ?? usage.requested)}{" "}
                <small>
                  {t(usage.used == null ? "usage.requested_of" : "usage.of", {
                    allocatable: amount(resource, usage.allocatable),
                  })}
                </small>
              </p>
              <ResourceCell
                resource={resource}
                usage={usage}
                from={{ observedAt: metadata.observed_at, metricsReason: metadata.metrics_reason }}
                big
              />
              <p className={styles.under}>
                {usage.used == null
                  ? t("usage.not_measured")
                  : usage.requested != null
                    ? t("usage.requested", { requested: amount(resource, usage.requested) })
                    : t("usage.pods_total", { total: metadata.pods.total })}
              </p>
            </div>
          );
        })}
      </div>
      {metadata.partial && (
        <Note tone="warn" icon="triangle">
          {t("infrastructure.partial")}
        </Note>
      )}
      {metadata.metrics_source === "none" && <MetricsNote reason={metadata.metrics_reason} />}
    </Section>
  );
}

/** "Not measured" always says why, and what would change it. */
function MetricsNote({ reason }: { reason: string | null | undefined }) {
  const t = useText();
  const text = useMetricsText(reason);
  return (
    <Note tone="warn" icon="triangle">
      <b>{text.cause ?? t("about.metrics_none")}</b> {text.remedy}
    </Note>
  );
}

function useMetricsText(reason: string | null | undefined) {
  const codeText = useCodeText();
  return codeText({ code: reason ?? "metrics_absent" });
}

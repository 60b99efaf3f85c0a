import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { UsageRow } from "../api/types";
import { useFormat } from "../i18n/format";
import { useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import { Section } from "../ui/Page";
import { Segmented } from "../ui/Segmented";
import { ENVIRONMENTS, EnvironmentBadge } from "./EnvironmentBadge";
import styles from "./Pressure.module.css";
import { RESOURCE_WORDS } from "./ResourceCell";
import { STATES } from "./state";
import { levelOf, pressureOf, RESOURCES, type Resource, tightestOf, usageOf } from "./usage";

type View = "tightest" | Resource;

/** Where heat changes its step, below the levels that have a name. */
const HEAT_STEPS = [0.4, 0.55, 0.7] as const;
const heatOf = (share: number) => HEAT_STEPS.filter((step) => share >= step).length;
/** More tiles than this shrink to squares; the name comes on hover and in the list. */
const SMALL_FROM = 200;

function pressure(row: UsageRow, view: View): { resource: Resource; share: number } | null {
  if (STATES[row.state].old || row.stale) return null;
  if (view === "tightest") return tightestOf(row);
  const share = pressureOf(usageOf(view, row));
  return share == null ? null : { resource: view, share };
}

/** The tightest resource of each infrastructure, by environment, tightest first. */
export function Pressure({ rows }: { rows: readonly UsageRow[] }) {
  const t = useText();
  const [view, setView] = useState<View>("tightest");
  const views: { value: View; label: string }[] = [
    { value: "tightest", label: t("pressure.tightest") },
    ...RESOURCES.map((resource) => ({ value: resource, label: t(RESOURCE_WORDS[resource]) })),
  ];
  const tiles = rows.map((row) => ({ row, pressure: pressure(row, view) }));
  const groups = ENVIRONMENTS.map((environment) => ({
    environment,
    tiles: tiles
      .filter(({ row }) => row.environment === environment)
      .sort((a, b) => (b.pressure?.share ?? -1) - (a.pressure?.share ?? -1)),
  })).filter((group) => group.tiles.length > 0);

  return (
    <Section
      title={t("pressure.title")}
      note={t("pressure.note")}
      end={
        <>
          <Scale />
          <Segmented small label={t("pressure.choose")} value={view} options={views} onChoose={setView} />
        </>
      }
    >
      <div className={styles.heat} data-small={rows.length > SMALL_FROM || undefined}>
        {groups.map(({ environment, tiles }) => (
          <div key={environment} className={styles.group}>
            <h3 className={styles.label}>
              <EnvironmentBadge environment={environment} /> <span>{tiles.length}</span>
            </h3>
            <ul className={styles.tiles}>
              {tiles.map((tile) => (
                <Tile key={tile.row.id} {...tile} small={rows.length > SMALL_FROM} />
              ))}
            </ul>
          </div>
        ))}
      </div>
    </Section>
  );
}

function Tile({
  row,
  pressure,
  small,
}: {
  row: UsageRow;
  pressure: { resource: Resource; share: number } | null;
  small: boolean;
}) {
  const t = useText();
  const format = useFormat();
  const face = STATES[row.state];
  const level = pressure && levelOf(pressure.share);
  return (
    <li>
      <Link
        to="/admin/infrastructures/$id"
        params={{ id: row.id }}
        className={styles.tile}
        data-level={level ?? "none"}
        data-heat={pressure ? heatOf(pressure.share) : undefined}
        // Hundreds of squares are for the pointer; whoever tabs has the list, in the same order.
        tabIndex={small ? -1 : undefined}
        title={
          pressure
            ? t("pressure.tile_full", {
                name: row.name,
                resource: t(RESOURCE_WORDS[pressure.resource]),
                percent: format.percent(pressure.share),
              })
            : t("pressure.tile", { name: row.name, word: t(face.word) })
        }
      >
        <span className={styles.name}>{row.name}</span>
        <span className={styles.value}>
          {pressure ? (
            <>
              <span>{t(RESOURCE_WORDS[pressure.resource])}</span>
              <b>
                {level !== "calm" && <Icon name="triangle" size={12} />} {format.percent(pressure.share)}
              </b>
            </>
          ) : (
            <span>
              <Icon name={face.icon} size={12} />{" "}
              {face.group === "up" ? t("pressure.no_figures") : t(face.word)}
            </span>
          )}
        </span>
      </Link>
    </li>
  );
}

function Scale() {
  const format = useFormat();
  return (
    <span className={styles.scale} aria-hidden="true">
      {format.percent(0)}
      {[0, 1, 2, 3].map((heat) => (
        <span key={heat} data-heat={heat} />
      ))}
      <span data-level="tight" />
      <span data-level="full" />
      {format.percent(0.9)} +
    </span>
  );
}

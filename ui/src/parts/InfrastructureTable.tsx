import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";
import type { Infrastructure } from "../api/types";
import { useText } from "../i18n/text";
import type { InfrastructureSearch } from "../routes/admin.infrastructures.index";
import { SortHeader } from "../ui/SortHeader";
import table from "../ui/Table.module.css";
import util from "../ui/util.module.css";
import { InfrastructureDialogs, type OpenDialog } from "./InfrastructureDialogs";
import { InfrastructureRow } from "./InfrastructureRow";
import styles from "./InfrastructureTable.module.css";

/** Below this many rows all are drawn; above it only those in sight, and some around them. */
const VIRTUAL_FROM = 80;
const AROUND = 12;
const ROW_PX = 53;
const CARD_PX = 240;

/** One row an infrastructure; a card on the phone. */
export function InfrastructureTable({
  rows,
  sort,
  onSort,
}: {
  rows: readonly Infrastructure[];
  sort: InfrastructureSearch["sort"];
  onSort: (sort: InfrastructureSearch["sort"]) => void;
}) {
  const t = useText();
  const [open, setOpen] = useState<OpenDialog | null>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const [top_px, setTop] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setTop(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const [row_px] = useState(() => (window.innerWidth <= 640 ? CARD_PX : ROW_PX));
  const isVirtual = rows.length > VIRTUAL_FROM;
  const virtual = useWindowVirtualizer({
    count: rows.length,
    enabled: isVirtual,
    estimateSize: () => row_px,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: AROUND,
    scrollMargin: top_px,
  });
  const drawn = virtual.getVirtualItems();
  const before_px = isVirtual ? Math.max(0, (drawn[0]?.start ?? top_px) - top_px) : 0;
  const after_px = isVirtual
    ? Math.max(0, virtual.getTotalSize() - ((drawn.at(-1)?.end ?? top_px) - top_px))
    : 0;

  const sorting = { sort, onSort };
  return (
    <>
      <table className={`${table.table} ${table.cards} ${styles.list}`} aria-rowcount={rows.length + 1}>
        <caption className={util.sr}>{t("list.caption")}</caption>
        <thead>
          <tr aria-rowindex={1}>
            <SortHeader by="name" {...sorting} className={styles.name}>
              {t("column.name")}
            </SortHeader>
            <SortHeader by="state" {...sorting} className={styles.status}>
              {t("column.status")}
            </SortHeader>
            <th scope="col" className={styles.last}>
              {t("column.last_success")}
            </th>
            <th scope="col" className={styles.version}>
              {t("column.version")}
            </th>
            <SortHeader by="nodes" first="down" {...sorting} className={`${table.num} ${styles.nodes}`}>
              {t("column.nodes")}
            </SortHeader>
            <SortHeader by="cpu" first="down" {...sorting} className={styles.gauge}>
              {t("resource.cpu")}
            </SortHeader>
            <SortHeader by="memory" first="down" {...sorting} className={styles.gauge}>
              {t("resource.memory")}
            </SortHeader>
            <th scope="col" className={`${styles.gauge} ${styles.storage}`}>
              {t("resource.storage")}
            </th>
            <th scope="col" className={`${table.num} ${styles.pods}`}>
              {t("resource.pods")}
            </th>
            <th scope="col" className={styles.strip}>
              {t("column.day")}
            </th>
            <th scope="col" className={`${table.num} ${styles.latency}`}>
              {t("column.latency")}
            </th>
            <th scope="col" className={styles.actions}>
              <span className={util.sr}>{t("column.actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody ref={body}>
          {before_px > 0 && <Gap height_px={before_px} />}
          {isVirtual
            ? drawn.map(({ index }) => {
                const row = rows[index];
                return (
                  row && (
                    <InfrastructureRow
                      key={row.id}
                      infrastructure={row}
                      index={index}
                      measure={virtual.measureElement}
                      onOpen={setOpen}
                    />
                  )
                );
              })
            : rows.map((row, index) => (
                <InfrastructureRow key={row.id} infrastructure={row} index={index} onOpen={setOpen} />
              ))}
          {after_px > 0 && <Gap height_px={after_px} />}
        </tbody>
      </table>
      <InfrastructureDialogs open={open} onClose={() => setOpen(null)} />
    </>
  );
}

/** The room of the rows that are not drawn. */
function Gap({ height_px }: { height_px: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: an empty row takes no focus.
    <tr aria-hidden="true" className={styles.gap}>
      <td colSpan={12} style={{ height: height_px }} />
    </tr>
  );
}

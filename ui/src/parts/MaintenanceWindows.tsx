import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { maintenanceWindowList, resourceUsage } from "../api/queries";
import type { MaintenanceWindow } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/Faces";
import { Icon } from "../ui/Icon";
import { Section } from "../ui/Page";
import { Status } from "../ui/Status";
import styles from "./AlertSide.module.css";
import { labelsWrite } from "./describe";
import { useMay } from "./may";

const WindowDialog = lazy(() => import("./WindowDialog"));

/** When nobody wants to hear of which infrastructures. */
export function MaintenanceWindows() {
  const t = useText();
  const may = useMay();
  const windows = useQuery(maintenanceWindowList());
  const [editing, setEditing] = useState<MaintenanceWindow | null>(null);
  const items = windows.data?.items ?? [];
  const whyNot = may("alert_acknowledge") ? null : t("why_not.operate");
  return (
    <Section title={t("window.title")}>
      {windows.isPending && <Skeleton rows={2} height={36} label={t("face.loading")} />}
      {windows.data && items.length === 0 && <p className={styles.sub}>{t("window.none")}</p>}
      <ul className={styles.list}>
        {items.map((it) => (
          <li key={it.id} className={styles.item}>
            <Icon name="pause" />
            <div className={styles.words}>
              <b>{it.name}</b> {it.reason && <span>{it.reason}</span>}
              <Scope window={it} />
              <When window={it} />
              <span className={styles.actions}>
                <Button
                  size="s"
                  look="ghost"
                  whyNot={whyNot}
                  onClick={() => setEditing(it)}
                  aria-label={t("window.edit_for", { name: it.name })}
                >
                  {t("action.edit")}
                </Button>
              </span>
            </div>
          </li>
        ))}
      </ul>
      {editing && (
        <Suspense>
          <WindowDialog window={editing} onClose={() => setEditing(null)} />
        </Suspense>
      )}
    </Section>
  );
}

function Scope({ window: { scope } }: { window: MaintenanceWindow }) {
  const t = useText();
  const fleet = useQuery(resourceUsage()).data?.items ?? [];
  const names = scope.infrastructure_ids.map((id) => fleet.find((it) => it.id === id)?.name ?? "—");
  const labels = labelsWrite(scope.label_selector);
  const parts = scope.all ? [t("window.all")] : [...names, labels && t("window.labelled", { labels })];
  return <span className={styles.sub}>{parts.filter(Boolean).join(", ")}</span>;
}

function When({ window: it }: { window: MaintenanceWindow }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  if (!it.next_from || !it.next_until) return <span className={styles.sub}>{t("window.over")}</span>;
  const slots = { from: format.moment(it.next_from, now_ms), until: format.moment(it.next_until, now_ms) };
  return it.active ? (
    <Status tone="idle" icon="pause" small>
      {t("window.active", slots)}
    </Status>
  ) : (
    <span className={styles.sub}>
      {t(it.schedule.kind === "weekly" ? "window.next_weekly" : "window.next", slots)}
    </span>
  );
}

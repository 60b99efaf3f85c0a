/** The last 24 hours of one infrastructure: the trace, its outages in words, and how often it answered. */
import { useQuery } from "@tanstack/react-query";
import { problemOf } from "../../api/problem";
import { availability } from "../../api/queries";
import type { Infrastructure } from "../../api/types";
import { type Format, useFormat } from "../../i18n/format";
import { useMinute } from "../../i18n/now";
import { type Text, useText } from "../../i18n/text";
import { Skeleton } from "../../ui/Faces";
import { HeartbeatStrip } from "../../ui/HeartbeatStrip";
import { Section } from "../../ui/Page";
import { ProblemNote } from "../ProblemNote";
import { beatsOf, type Outage, outagesOf } from "./beats";
import styles from "./LastDay.module.css";

const DAY_MS = 86_400_000;
/** Five minutes a slot. */
const SLOTS = 288;
/** A phone shows fewer, each as bad as the worst it stands for. */
const SLOTS_SHOWN = 144;
const AXIS = [0, 0.25, 0.5, 0.75] as const;

function outageWords(t: Text, format: Format, outages: readonly Outage[], now_ms: number): string {
  const [only] = outages;
  if (!only) return t("day.no_outage");
  const moment = (ms: number) => format.moment(new Date(ms).toISOString(), now_ms);
  const total_ms = outages.reduce((sum, it) => sum + it.until_ms - it.from_ms, 0);
  const duration = format.duration(total_ms / 1_000);
  if (outages.length > 1) return t("day.outages", { count: outages.length, duration });
  const lasts = only.until_ms >= now_ms;
  return lasts
    ? t("day.outage_lasts", { from: moment(only.from_ms), duration })
    : t("day.outage", { from: moment(only.from_ms), until: moment(only.until_ms), duration });
}

export function LastDay({ infrastructure: { id, status } }: { infrastructure: Infrastructure }) {
  const t = useText();
  const format = useFormat();
  const read = useQuery(availability(id));
  const until_ms = useMinute();
  if (!read.data) {
    return (
      <Section title={t("day.title")}>
        {read.isError ? (
          <ProblemNote problem={problemOf(read.error)} />
        ) : (
          <Skeleton rows={1} height={56} label={t("face.loading")} />
        )}
      </Section>
    );
  }
  const { strip, day_permille, month_permille } = read.data;
  const from_ms = until_ms - DAY_MS;
  const words = outageWords(t, format, outagesOf(strip, until_ms), until_ms);
  return (
    <Section title={t("day.title")} note={words}>
      <div className={styles.day}>
        <div>
          <HeartbeatStrip
            big
            most={SLOTS_SHOWN}
            beats={beatsOf(strip, from_ms, until_ms, SLOTS)}
            label={t("day.label", { words })}
          />
          <div className={styles.axis} aria-hidden="true">
            {AXIS.map((part) => (
              <span key={part}>
                {format.moment(new Date(from_ms + part * DAY_MS).toISOString(), until_ms)}
              </span>
            ))}
            <span>{t("day.now")}</span>
          </div>
        </div>
        <dl className={styles.figures}>
          <div>
            <dt>{t("day.available_day")}</dt>
            <dd>{format.permille(day_permille)}</dd>
          </div>
          <div>
            <dt>{t("day.available_month")}</dt>
            <dd>{format.permille(month_permille)}</dd>
          </div>
          <div>
            <dt>{t("day.latency")}</dt>
            <dd>{format.milliseconds(status.latency_ms)}</dd>
          </div>
        </dl>
      </div>
    </Section>
  );
}

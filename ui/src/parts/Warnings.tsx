/** What the cluster itself complains about: its events, warnings first, as of the last full check. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { problemOf } from "../api/problem";
import { clusterEventList } from "../api/queries";
import type { ClusterEvent } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/Faces";
import { CheckField } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { Section } from "../ui/Page";
import { ProblemNote } from "./ProblemNote";
import styles from "./Warnings.module.css";

const SHOWN = 8;

export function Warnings({ id }: { id: string }) {
  const t = useText();
  const read = useQuery(clusterEventList(id));
  const [onlyWarnings, setOnlyWarnings] = useState(true);
  const [all, setAll] = useState(false);
  const events = read.data?.items ?? [];
  const warnings = events.filter((it) => it.is_warning);
  const wanted = onlyWarnings ? warnings : events;
  const rows = all ? wanted : wanted.slice(0, SHOWN);
  return (
    <Section
      title={t("event.title")}
      note={read.data?.observed_at && t("event.note", { warnings: warnings.length })}
      end={
        <CheckField
          label={t("event.only_warnings")}
          checked={onlyWarnings}
          onChange={({ target: { checked } }) => setOnlyWarnings(checked)}
        />
      }
    >
      {read.isPending && <Skeleton rows={3} height={52} label={t("face.loading")} />}
      {read.isError && !read.data && <ProblemNote problem={problemOf(read.error)} />}
      {read.data && wanted.length === 0 && (
        <p className={styles.none}>{t(read.data.observed_at ? "event.none" : "event.not_read")}</p>
      )}
      <ul>
        {rows.map((event) => (
          <Event
            key={`${event.kind} ${event.namespace} ${event.name} ${event.reason} ${event.last_at}`}
            event={event}
          />
        ))}
      </ul>
      {wanted.length > rows.length && (
        <Button size="s" onClick={() => setAll(true)}>
          {t("event.all", { count: wanted.length })}
        </Button>
      )}
    </Section>
  );
}

/** Reasons and messages are Kubernetes' own words, so they are not translated. */
function Event({ event: it }: { event: ClusterEvent }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  return (
    <li className={styles.event} data-warning={it.is_warning || undefined}>
      <Icon name={it.is_warning ? "triangle" : "info"} />
      <div lang="en">
        <b>{it.reason}</b>
        {it.count > 1 && <span className={styles.count}> × {format.count(it.count)}</span>}
        <p>{it.message}</p>
        <p className={styles.where}>
          {it.kind} {it.namespace && `${it.namespace}/`}
          {it.name}
        </p>
      </div>
      {it.last_at && (
        <time dateTime={it.last_at} title={format.exactly(it.last_at)} className={styles.age}>
          {t("age.ago", { age: format.duration((now_ms - Date.parse(it.last_at)) / 1_000) })}
        </time>
      )}
    </li>
  );
}

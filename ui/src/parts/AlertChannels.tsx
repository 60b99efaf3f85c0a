import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { alertChannelTest, useCommand } from "../api/commands";
import { alertChannelList } from "../api/queries";
import type { AlertChannel } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText, useTextIfKnown } from "../i18n/text";
import { Button } from "../ui/Button";
import { Note, Skeleton } from "../ui/Faces";
import { Icon } from "../ui/Icon";
import { notify } from "../ui/Notices";
import { Section } from "../ui/Page";
import { Status, Tag } from "../ui/Status";
import styles from "./AlertSide.module.css";
import { useMay } from "./may";
import { useProblemText } from "./ProblemNote";

const ChannelDialog = lazy(() => import("./ChannelDialog"));
const DeliveryDialog = lazy(() => import("./DeliveryDialog"));

type Open = { kind: "edit"; channel: AlertChannel | null } | { kind: "log"; channel: AlertChannel };

/** How people are told: each channel with its last delivery, and a button that proves it. */
export function AlertChannels() {
  const t = useText();
  const may = useMay();
  const channels = useQuery(alertChannelList());
  const [open, setOpen] = useState<Open | null>(null);
  const whyNot = may("alert_write") ? null : t("why_not.write");
  const items = channels.data?.items ?? [];
  return (
    <Section
      title={t("channel.title")}
      end={
        <Button size="s" icon="plus" whyNot={whyNot} onClick={() => setOpen({ kind: "edit", channel: null })}>
          {t("channel.add")}
        </Button>
      }
    >
      {channels.isPending && <Skeleton rows={2} height={44} label={t("face.loading")} />}
      {channels.data && items.length === 0 && (
        <Note tone="warn" icon="triangle">
          {t("channel.none")}
        </Note>
      )}
      <ul className={styles.list}>
        {items.map((it) => (
          <Channel
            key={it.id}
            channel={it}
            whyNot={whyNot}
            onEdit={() => setOpen({ kind: "edit", channel: it })}
            onLog={() => setOpen({ kind: "log", channel: it })}
          />
        ))}
      </ul>
      {open && (
        <Suspense>
          {open.kind === "edit" ? (
            <ChannelDialog
              channel={open.channel}
              mailReady={channels.data?.mail_ready ?? false}
              onClose={() => setOpen(null)}
            />
          ) : (
            <DeliveryDialog channel={open.channel} onClose={() => setOpen(null)} />
          )}
        </Suspense>
      )}
    </Section>
  );
}

function Channel({
  channel,
  whyNot,
  onEdit,
  onLog,
}: {
  channel: AlertChannel;
  whyNot: string | null;
  onEdit: () => void;
  onLog: () => void;
}) {
  const t = useText();
  const known = useTextIfKnown();
  const problemText = useProblemText();
  const [failed, setFailed] = useState<string | null>(null);
  const test = useCommand(() => alertChannelTest(channel.id), {
    refresh: ["alert-channels"],
    onDone: ({ outcome, error }) => {
      setFailed(outcome === "delivered" ? null : (error ?? t("channel.test_failed")));
      if (outcome === "delivered") notify(t("done.channel_test", { name: channel.name }));
    },
  });
  const refused = test.error ? problemText(test.error).title : failed;
  return (
    <li className={styles.item}>
      <Icon name={channel.kind === "mail" ? "mail" : "hook"} />
      <div className={styles.words}>
        <b>{channel.name}</b>{" "}
        {!channel.enabled && (
          <Tag icon="pause">
            {(channel.disabled_reason && known(`channel.disabled.${channel.disabled_reason}`)) ??
              t("channel.off")}
          </Tag>
        )}
        <span className={styles.sub}>
          {channel.webhook?.url_shown ?? channel.mail?.to.join(", ")}
          {channel.webhook?.has_secret && ` · ${t("channel.signed")}`}
        </span>
        <LastDelivery channel={channel} />
        {refused && (
          <span className={styles.failed} role="alert">
            {refused}
          </span>
        )}
        <span className={styles.actions}>
          <Button
            size="s"
            whyNot={whyNot}
            busy={test.isPending}
            onClick={() => test.mutate(undefined)}
            aria-label={t("channel.test_for", { name: channel.name })}
          >
            {t("channel.test")}
          </Button>
          <Button
            size="s"
            look="ghost"
            onClick={onLog}
            aria-label={t("channel.log_for", { name: channel.name })}
          >
            {t("channel.log")}
          </Button>
          <Button
            size="s"
            look="ghost"
            whyNot={whyNot}
            onClick={onEdit}
            aria-label={t("channel.edit_for", { name: channel.name })}
          >
            {t("action.edit")}
          </Button>
        </span>
      </div>
    </li>
  );
}

function LastDelivery({ channel: { last_delivery: last } }: { channel: AlertChannel }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  if (!last) return <span className={styles.sub}>{t("channel.never")}</span>;
  const moment = format.moment(last.at, now_ms);
  if (last.outcome === "delivered") {
    return (
      <Status tone="ok" icon="check" small>
        {t("channel.delivered", { moment })}
      </Status>
    );
  }
  const waits = last.outcome === "queued";
  return (
    <>
      <Status tone={waits ? "warn" : "down"} icon={waits ? "clock" : "cross"} small>
        {t(waits ? "channel.tried" : "channel.failed", { moment })}
      </Status>
      {last.error && <span className={styles.sub}>{last.error}</span>}
    </>
  );
}

import { useInfiniteQuery } from "@tanstack/react-query";
import { deliveryList } from "../api/queries";
import type { AlertChannel } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText, useTextIfKnown } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { Skeleton } from "../ui/Faces";
import { Status } from "../ui/Status";
import table from "../ui/Table.module.css";
import styles from "./AlertSide.module.css";

const FACES = {
  delivered: { tone: "ok", icon: "check" },
  queued: { tone: "warn", icon: "clock" },
  failed: { tone: "down", icon: "cross" },
} as const;

/** What a channel was told, newest first: taken, waiting for another try, or given up and why. */
export default function DeliveryDialog({ channel, onClose }: { channel: AlertChannel; onClose: () => void }) {
  const t = useText();
  const known = useTextIfKnown();
  const format = useFormat();
  const now_ms = useNow();
  const list = useInfiniteQuery(deliveryList(channel.id));
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Dialog open wide onClose={onClose} title={t("delivery.title", { name: channel.name })}>
      {list.isPending && <Skeleton rows={3} height={40} label={t("face.loading")} />}
      {list.data && items.length === 0 && <p>{t("delivery.none")}</p>}
      {items.length > 0 && (
        <section
          className={styles.scroll}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls, also by keyboard.
          tabIndex={0}
          aria-label={t("delivery.title", { name: channel.name })}
        >
          <table className={`${table.table} ${table.cards}`}>
            <thead>
              <tr>
                <th scope="col">{t("delivery.when")}</th>
                <th scope="col">{t("delivery.what")}</th>
                <th scope="col">{t("delivery.outcome")}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((it) => {
                const face = FACES[it.state];
                return (
                  <tr key={it.id}>
                    <td data-label={t("delivery.when")}>
                      <time dateTime={it.created_at} title={format.exactly(it.created_at)}>
                        {format.moment(it.created_at, now_ms)}
                      </time>
                    </td>
                    <td className={table.wide}>
                      {t(`delivery.event.${it.event}`)}
                      <span className={table.sub}>{it.title}</span>
                      {it.recipient && <span className={table.sub}>{it.recipient}</span>}
                    </td>
                    <td className={table.wide}>
                      <Status tone={face.tone} icon={face.icon} small>
                        {t(`delivery.state.${it.state}`, { attempts: it.attempts })}
                      </Status>
                      {it.error && (
                        <span className={table.sub}>
                          {(it.error_code && known(`delivery.error.${it.error_code}`)) ?? it.error}
                        </span>
                      )}
                      {it.next_attempt_at && it.attempts > 0 && (
                        <span className={table.sub}>
                          {t("delivery.next", { moment: format.moment(it.next_attempt_at, now_ms) })}
                        </span>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </section>
      )}
      <DialogFoot>
        {list.hasNextPage && (
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("face.load_more")}
          </Button>
        )}
        <Button onClick={onClose}>{t("action.close")}</Button>
      </DialogFoot>
    </Dialog>
  );
}

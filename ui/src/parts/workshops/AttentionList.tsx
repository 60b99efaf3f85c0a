/** Who waits for somebody, who asked first at the top: with their own words and the likely cause. */

import { useCommand } from "../../api/commands";
import { SESSION_NOUNS, type Seat, seatDeed } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useNow } from "../../i18n/now";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { notify } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { useProblemText } from "../ProblemNote";
import styles from "./AttentionList.module.css";
import type { Deed } from "./DeedDialog";
import { SeatReason } from "./SeatFace";
import { attentionOrder } from "./words";

/** Beyond this many the list of seats, filtered, is the better place. */
const SHOWN = 8;

export function AttentionList({
  sessionId,
  seats,
  whyNot,
  onDeed,
  onOpen,
}: {
  sessionId: string;
  seats: readonly Seat[];
  whyNot: string | null;
  onDeed: (deed: Deed) => void;
  onOpen: (seat: Seat) => void;
}) {
  const t = useText();
  const all = attentionOrder(seats);
  if (all.length === 0) return null;
  const failed = seats.filter((it) => it.state === "failed");
  return (
    <Section
      title={t("board.attention")}
      note={t("board.attention_note")}
      end={
        failed.length > 1 && (
          <Button
            size="s"
            icon="retry"
            whyNot={whyNot}
            onClick={() => onDeed({ deed: "restart", seats: failed })}
          >
            {t("board.restart_failed", { count: failed.length })}
          </Button>
        )
      }
    >
      <ul className={styles.list}>
        {all.slice(0, SHOWN).map((it) => (
          <Waiting
            key={it.id}
            seat={it}
            sessionId={sessionId}
            whyNot={whyNot}
            onDeed={onDeed}
            onOpen={onOpen}
          />
        ))}
      </ul>
      {all.length > SHOWN && (
        <p className={styles.rest}>{t("board.attention_more", { count: all.length - SHOWN })}</p>
      )}
    </Section>
  );
}

function Waiting({
  seat,
  sessionId,
  whyNot,
  onDeed,
  onOpen,
}: {
  seat: Seat;
  sessionId: string;
  whyNot: string | null;
  onDeed: (deed: Deed) => void;
  onOpen: (seat: Seat) => void;
}) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const problemText = useProblemText();
  const done = useCommand(() => seatDeed(sessionId, { deed: "help-done", seat_ids: [seat.id] }), {
    refresh: SESSION_NOUNS,
    onDone: () => notify(t("done.help", { name: seat.name })),
  });
  const asks = seat.help_requested_at != null;
  const since = seat.help_requested_at ?? seat.joined_at;
  return (
    <li data-tone={asks || seat.state === "waiting" ? "warn" : "down"}>
      <span className={styles.who}>
        <Icon name={asks ? "hand" : seat.state === "failed" ? "cross" : "clock"} />
        <span>
          {t("board.seat_number", { number: seat.number })}
          {asks && since && (
            <span className={styles.age}>{format.duration((now_ms - Date.parse(since)) / 1_000)}</span>
          )}
        </span>
      </span>
      <span className={styles.words}>
        {asks && seat.help_text && <q>{seat.help_text}</q>}
        {asks && !seat.help_text && <span>{t("board.help_without_words")}</span>}
        <span className={styles.meta}>
          <button type="button" className={styles.name} onClick={() => onOpen(seat)}>
            {seat.name}
          </button>{" "}
          <SeatReason seat={seat} />
        </span>
        {done.error && <span className={styles.refused}>{problemText(done.error).title}</span>}
      </span>
      <span className={styles.actions}>
        {asks && (
          <Button
            size="s"
            look="primary"
            whyNot={whyNot}
            busy={done.isPending}
            onClick={() => done.mutate(undefined)}
            aria-label={t("board.help_done_for", { name: seat.name })}
          >
            {t("board.help_done")}
          </Button>
        )}
        {seat.state === "failed" && (
          <Button
            size="s"
            icon="retry"
            whyNot={whyNot}
            onClick={() => onDeed({ deed: "restart", seats: [seat] })}
            aria-label={t("board.restart_for", { name: seat.name })}
          >
            {t("board.restart")}
          </Button>
        )}
        <Button
          size="s"
          icon="message"
          whyNot={whyNot}
          onClick={() => onDeed({ deed: "message", seats: [seat] })}
          aria-label={t("board.message_for", { name: seat.name })}
        >
          {t("board.message")}
        </Button>
      </span>
    </li>
  );
}

import { memo } from "react";
import type { Seat } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useNow } from "../../i18n/now";
import { useText } from "../../i18n/text";
import field from "../../ui/Field.module.css";
import { Countdown } from "./Countdown";
import { SeatReason, SeatStatus } from "./SeatFace";
import styles from "./SeatGrid.module.css";
import { needsAttention, seatKind } from "./words";

export interface SeatsProps {
  seats: readonly Seat[];
  /** None, where there is nothing to do to them any more. */
  chosen: ReadonlySet<string> | null;
  onChoose: (id: string, on: boolean) => void;
  onOpen: (seat: Seat) => void;
}

/** One field a seat: number and name, its state, where it is, how long it lasts, who was seen when. */
export function SeatGrid({ seats, chosen, onChoose, onOpen }: SeatsProps) {
  const t = useText();
  return (
    <ul className={styles.grid} aria-label={t("board.seats")}>
      {seats.map((it) => (
        <SeatField
          key={it.id}
          seat={it}
          chosen={chosen ? chosen.has(it.id) : null}
          onChoose={onChoose}
          onOpen={onOpen}
        />
      ))}
    </ul>
  );
}

export interface SeatProps extends Pick<SeatsProps, "onChoose" | "onOpen"> {
  seat: Seat;
  /** None, where it cannot be chosen. */
  chosen: boolean | null;
}

// A seat that did not change is the same object after a refresh, and is not drawn again.
const SeatField = memo(function SeatField({ seat: it, chosen, onChoose, onOpen }: SeatProps) {
  return (
    <li
      data-kind={seatKind(it)}
      data-attention={needsAttention(it) || undefined}
      data-chosen={chosen || undefined}
    >
      <span className={styles.head}>
        <span className={styles.number}>{String(it.number).padStart(2, "0")}</span>
        <button type="button" onClick={() => onOpen(it)} title={it.name}>
          {it.name || "—"}
        </button>
        <SeatTick seat={it} chosen={chosen} onChoose={onChoose} />
      </span>
      <SeatStatus seat={it} />
      <span className={styles.why}>
        {it.help_requested_at != null && it.help_text ? <q>{it.help_text}</q> : <SeatReason seat={it} />}
      </span>
      <span className={styles.foot}>
        <span title={it.infrastructure_name ?? undefined}>{it.infrastructure_name}</span>
        <Seen at={it.last_seen_at} />
      </span>
      {it.expires_at != null && (
        <span className={styles.foot}>
          <Countdown at={it.expires_at} />
        </span>
      )}
    </li>
  );
});

export function SeatTick({
  seat: { id, number, name },
  chosen,
  onChoose,
  className,
}: Pick<SeatProps, "seat" | "chosen" | "onChoose"> & { className?: string | undefined }) {
  const t = useText();
  if (chosen === null) return null;
  return (
    <input
      type="checkbox"
      className={[field.box, className].filter(Boolean).join(" ")}
      checked={chosen}
      onChange={({ target: { checked } }) => onChoose(id, checked)}
      aria-label={t("board.choose_seat", { number, name })}
    />
  );
}

const SEEN_STEP_MS = 5_000;

/** When the participant's page last asked; none came yet when there is none. */
export function Seen({ at }: { at: string | null | undefined }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow(SEEN_STEP_MS);
  if (at == null) return <span>{t("seat.not_seen")}</span>;
  const seconds = (now_ms - Date.parse(at)) / 1_000;
  return (
    <time dateTime={at} title={t("seat.seen_title", { moment: format.exactly(at) })}>
      {seconds < 60 ? t("seat.here") : t("seat.seen", { age: format.duration(seconds) })}
    </time>
  );
}

import type { Seat, WorkshopSession } from "../../api/workshops";
import { useText } from "../../i18n/text";
import type { BoardSearch } from "../../routes/admin.sessions.$id.index";
import { Icon } from "../../ui/Icon";
import styles from "./SeatStrip.module.css";
import { needsAttention, SEAT_KIND_NAMES, SEAT_KINDS, type SeatKind, seatKind } from "./words";

/** Up to so many seats each has a field of its own; beyond that a kind is one bar. */
const FIELDS_MAX = 60;

/** All seats at a glance, and the counts of each kind, which filter what is below. */
export function SeatStrip({
  session,
  seats,
  show,
  onShow,
}: {
  session: WorkshopSession;
  seats: readonly Seat[];
  show: BoardSearch["show"];
  onShow: (show: BoardSearch["show"]) => void;
}) {
  const t = useText();
  const counts = new Map<SeatKind, number>();
  for (const it of seats) counts.set(seatKind(it), (counts.get(seatKind(it)) ?? 0) + 1);
  const kinds = SEAT_KIND_NAMES.filter((it) => (counts.get(it) ?? 0) > 0);
  const free = Math.max(0, session.seats - seats.length);
  const attention = seats.filter(needsAttention).length;
  const help = seats.filter((it) => it.help_requested_at != null).length;
  const isSmall = session.seats <= FIELDS_MAX;
  const parts = [
    ...kinds.map((kind) => ({ kind: kind as string, count: counts.get(kind) ?? 0 })),
    { kind: "free", count: free },
  ];
  const words = (kind: SeatKind) => t(`seat.count.${kind}`, { count: counts.get(kind) ?? 0 });
  return (
    <div className={styles.all}>
      <div
        className={styles.strip}
        role="img"
        aria-label={[...kinds.map(words), t("seat.count.free", { count: free })].join(", ")}
      >
        {parts.map(({ kind, count }) =>
          isSmall ? (
            Array.from({ length: count }, (_, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: fields have no identity; a kind has so many.
              <span key={`${kind}${place}`} data-kind={kind} style={{ flexGrow: 1 }} />
            ))
          ) : count > 0 ? (
            <span key={kind} data-kind={kind} style={{ flexGrow: count }} />
          ) : null,
        )}
      </div>
      <div className={styles.legend}>
        {help > 0 && (
          <Filter
            tone="warn"
            on={show === "attention"}
            onPress={(on) => onShow(on ? "attention" : undefined)}
          >
            <Icon name="hand" /> {t("seat.count.help", { count: help })}
          </Filter>
        )}
        {help === 0 && attention > 0 && (
          <Filter
            tone="warn"
            on={show === "attention"}
            onPress={(on) => onShow(on ? "attention" : undefined)}
          >
            <Icon name="triangle" /> {t("seat.count.attention", { count: attention })}
          </Filter>
        )}
        {kinds.map((kind) => (
          <Filter
            key={kind}
            tone={SEAT_KINDS[kind].tone}
            on={show === kind}
            onPress={(on) => onShow(on ? kind : undefined)}
          >
            <Icon name={SEAT_KINDS[kind].icon} spin={SEAT_KINDS[kind].icon === "spinner"} /> {words(kind)}
          </Filter>
        ))}
        {free > 0 && <span className={styles.free}>{t("seat.count.free", { count: free })}</span>}
      </div>
    </div>
  );
}

function Filter({
  tone,
  on,
  onPress,
  children,
}: {
  tone: string;
  on: boolean;
  onPress: (on: boolean) => void;
  children: React.ReactNode;
}) {
  return (
    <button type="button" data-tone={tone} aria-pressed={on} onClick={() => onPress(!on)}>
      {children}
    </button>
  );
}

/**
 * Every seat, as fields or as a table, with what can be done to those that are chosen.
 *
 * Promises: a seat keeps its place while its words change; a choice outlives a refresh, and only
 * what is in sight can be chosen at once.
 */
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import type { Seat, WorkshopSession } from "../../api/workshops";
import { useText } from "../../i18n/text";
import type { BoardSearch } from "../../routes/admin.sessions.$id.index";
import { Button } from "../../ui/Button";
import { Blank } from "../../ui/Faces";
import { SearchField } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Section } from "../../ui/Page";
import { Segmented } from "../../ui/Segmented";
import type { Deed } from "./DeedDialog";
import { SeatGrid } from "./SeatGrid";
import styles from "./SeatsSection.module.css";
import { SeatTable } from "./SeatTable";
import { needsAttention, seatKind } from "./words";

/** How long typing rests before the URL, and with it the list, follows. */
const TYPING_MS = 200;

/** Whether a seat is what the filter asks for. */
export function seatShown(seat: Seat, { show, q }: BoardSearch): boolean {
  if (show === "attention" && !needsAttention(seat)) return false;
  if (show && show !== "attention" && seatKind(seat) !== show) return false;
  if (!q) return true;
  const wanted = q.toLocaleLowerCase();
  return [seat.name, seat.email, seat.infrastructure_name, String(seat.number)].some((it) =>
    it?.toLocaleLowerCase().includes(wanted),
  );
}

export function SeatsSection({
  session,
  seats,
  search,
  onSearch,
  whyNot,
  onDeed,
  onOpen,
  end,
}: {
  session: WorkshopSession;
  seats: readonly Seat[];
  search: BoardSearch;
  onSearch: (change: BoardSearch) => void;
  whyNot: string | null;
  onDeed: (deed: Deed) => void;
  onOpen: (seat: Seat) => void;
  end: ReactNode;
}) {
  const t = useText();
  const [chosenIds, setChosen] = useState<ReadonlySet<string>>(new Set());
  const shown = seats.filter((it) => seatShown(it, search));
  // One that left the filter, or the session, is not touched unseen.
  const chosen = shown.filter((it) => chosenIds.has(it.id));
  const choose = useCallback(
    (id: string, on: boolean) =>
      setChosen((now) => {
        const next = new Set(now);
        if (on) next.add(id);
        else next.delete(id);
        return next;
      }),
    [],
  );
  const isFiltered = Boolean(search.q || search.show);
  const isOver = session.state === "ended" || session.state === "closing";
  const Seats = search.view === "table" ? SeatTable : SeatGrid;
  return (
    <Section
      title={t("board.seats")}
      note={
        isFiltered
          ? t("board.seats_filtered", { count: shown.length, total: seats.length })
          : t("board.seats_of", { count: seats.length, seats: session.seats })
      }
      end={
        <Segmented<"grid" | "table">
          small
          label={t("board.view")}
          value={search.view ?? "grid"}
          onChoose={(view) => onSearch({ view: view === "table" ? view : undefined })}
          options={[
            {
              value: "grid",
              label: (
                <>
                  <Icon name="grid" /> {t("board.grid")}
                </>
              ),
            },
            {
              value: "table",
              label: (
                <>
                  <Icon name="rows" /> {t("board.table")}
                </>
              ),
            },
          ]}
        />
      }
    >
      <search className={styles.tools}>
        <Search q={search.q ?? ""} onChange={(q) => onSearch({ q: q || undefined })} />
        {search.show && (
          <Button size="s" icon="close" onClick={() => onSearch({ show: undefined })}>
            {t("board.show_all")}
          </Button>
        )}
        <span className={styles.end}>{end}</span>
      </search>
      {shown.length > 0 && !isOver && (
        <BulkBar
          seats={chosen}
          total={shown.length}
          whyNot={whyNot}
          onDeed={onDeed}
          onAll={() => setChosen(new Set(shown.map((it) => it.id)))}
          onNone={() => setChosen(new Set())}
        />
      )}
      {seats.length === 0 ? (
        <Blank title={t("board.empty")}>
          {t(session.access === "roster" ? "board.empty_roster" : "board.empty_open")}
        </Blank>
      ) : shown.length === 0 ? (
        <Blank
          title={t("board.none_match")}
          action={
            <Button onClick={() => onSearch({ q: undefined, show: undefined })}>
              {t("list.clear_filter")}
            </Button>
          }
        />
      ) : (
        <Seats seats={shown} chosen={isOver ? null : chosenIds} onChoose={choose} onOpen={onOpen} />
      )}
    </Section>
  );
}

function Search({ q, onChange }: { q: string; onChange: (q: string) => void }) {
  const t = useText();
  const [typed, setTyped] = useState(q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setTyped((now) => (now.trim() === q ? now : q)), [q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div className={styles.search}>
      <SearchField
        label={t("board.search_label")}
        placeholder={t("board.search")}
        value={typed}
        onChange={({ target: { value } }) => {
          setTyped(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => onChange(value.trim()), TYPING_MS);
        }}
      />
    </div>
  );
}

/** Numbers of seats that are named before the rest is only counted. */
const NAMED = 6;

function BulkBar({
  seats,
  total,
  whyNot,
  onDeed,
  onAll,
  onNone,
}: {
  seats: readonly Seat[];
  total: number;
  whyNot: string | null;
  onDeed: (deed: Deed) => void;
  onAll: () => void;
  onNone: () => void;
}) {
  const t = useText();
  if (seats.length === 0) {
    return (
      <p className={styles.none}>
        {t("board.choose")}{" "}
        <button type="button" onClick={onAll}>
          {t("board.choose_all", { count: total })}
        </button>
      </p>
    );
  }
  const numbers = seats.slice(0, NAMED).map((it) => it.number);
  const list = [...seats];
  const helped = list.filter((it) => it.help_requested_at != null);
  return (
    <section className={styles.bulk} aria-label={t("board.bulk")}>
      <b role="status">{t("board.chosen", { count: seats.length })}</b>
      <span className={styles.numbers}>
        {numbers.join(", ")}
        {seats.length > NAMED && "…"}
      </span>
      <Button size="s" icon="extend" whyNot={whyNot} onClick={() => onDeed({ deed: "extend", seats: list })}>
        {t("board.extend")}
      </Button>
      <Button
        size="s"
        icon="message"
        whyNot={whyNot}
        onClick={() => onDeed({ deed: "message", seats: list })}
      >
        {t("board.message")}
      </Button>
      {helped.length > 0 && (
        <Button
          size="s"
          icon="hand"
          whyNot={whyNot}
          onClick={() => onDeed({ deed: "help-done", seats: helped })}
        >
          {t("board.help_done")}
        </Button>
      )}
      <Button size="s" icon="retry" whyNot={whyNot} onClick={() => onDeed({ deed: "restart", seats: list })}>
        {t("board.restart")}
      </Button>
      <Button
        size="s"
        look="danger"
        icon="stop"
        whyNot={whyNot}
        onClick={() => onDeed({ deed: "end", seats: list })}
      >
        {t("board.end_seats", { count: seats.length })}
      </Button>
      {seats.length < total && (
        <Button size="s" look="ghost" onClick={onAll}>
          {t("board.choose_all", { count: total })}
        </Button>
      )}
      <Button size="s" look="ghost" iconOnly icon="close" onClick={onNone}>
        {t("board.choose_none")}
      </Button>
    </section>
  );
}

import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { useText } from "../../i18n/text";
import table from "../../ui/Table.module.css";
import util from "../../ui/util.module.css";
import { Countdown } from "./Countdown";
import { SeatReason, SeatStatus } from "./SeatFace";
import { type SeatProps, type SeatsProps, SeatTick, Seen } from "./SeatGrid";
import styles from "./SeatTable.module.css";

/** The same seats as rows. */
export function SeatTable({ seats, chosen, onChoose, onOpen }: SeatsProps) {
  const t = useText();
  return (
    <table className={`${table.table} ${table.cards}`}>
      <caption className={util.sr}>{t("board.seats")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("board.column.seat")}</th>
          <th scope="col">{t("board.column.state")}</th>
          <th scope="col">{t("board.column.infrastructure")}</th>
          <th scope="col" className={table.num}>
            {t("board.column.left")}
          </th>
          <th scope="col" className={table.num}>
            {t("board.column.seen")}
          </th>
          <th scope="col" className={table.num}>
            {t("board.column.attempts")}
          </th>
        </tr>
      </thead>
      <tbody>
        {seats.map((it) => (
          <SeatRow
            key={it.id}
            seat={it}
            chosen={chosen ? chosen.has(it.id) : null}
            onChoose={onChoose}
            onOpen={onOpen}
          />
        ))}
      </tbody>
    </table>
  );
}

const SeatRow = memo(function SeatRow({ seat: it, chosen, onChoose, onOpen }: SeatProps) {
  const t = useText();
  return (
    <tr>
      <th scope="row" className={table.wide}>
        <SeatTick seat={it} chosen={chosen} onChoose={onChoose} className={styles.box} />
        <span className={util.muted}>{it.number}</span>{" "}
        <button type="button" className={styles.name} onClick={() => onOpen(it)}>
          {it.name || "—"}
        </button>
        {it.email && <span className={table.sub}>{it.email}</span>}
      </th>
      <td className={table.wide}>
        <SeatStatus seat={it} />
        <span className={table.sub}>
          {it.help_requested_at != null && it.help_text ? <q>{it.help_text}</q> : <SeatReason seat={it} />}
        </span>
      </td>
      <td data-label={t("board.column.infrastructure")}>
        {it.infrastructure_id ? (
          <Link to="/admin/infrastructures/$id" params={{ id: it.infrastructure_id }}>
            {it.infrastructure_name}
          </Link>
        ) : (
          "—"
        )}
      </td>
      <td className={table.num} data-label={t("board.column.left")}>
        <Countdown at={it.expires_at} />
      </td>
      <td className={table.num} data-label={t("board.column.seen")}>
        <Seen at={it.last_seen_at} />
      </td>
      <td className={table.num} data-label={t("board.column.attempts")}>
        {it.attempts}
      </td>
    </tr>
  );
});

/** Says whom something touches, and does it when it was said yes to. */
import { useState } from "react";
import { useCommand } from "../../api/commands";
import type { ApiProblem } from "../../api/problem";
import { type Board, SESSION_NOUNS, type Seat, type SeatDeed, seatDeed } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useNow } from "../../i18n/now";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Dialog, DialogFoot } from "../../ui/Dialog";
import { Note } from "../../ui/Faces";
import { TextArea } from "../../ui/Field";
import { notify } from "../../ui/Notices";
import { Segmented } from "../../ui/Segmented";
import util from "../../ui/util.module.css";
import { ProblemNote } from "../ProblemNote";
import styles from "./DeedDialog.module.css";

export interface Deed {
  deed: SeatDeed["deed"];
  /** Whom it touches: some, or everybody of the session. */
  seats: readonly Seat[] | "all";
}

/** Names that are listed before the rest is only counted. */
const NAMED = 12;
/** Whoever's page asked within this time is looking at it now. */
const HERE_MS = 60_000;
const MINUTES = ["10", "30", "60"] as const;

export default function DeedDialog({
  board: { session, seats: all },
  deed: { deed, seats },
  onClose,
}: {
  board: Board;
  deed: Deed;
  onClose: () => void;
}) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const [minutes, setMinutes] = useState<(typeof MINUTES)[number]>("30");
  const [text, setText] = useState(seats === "all" ? session.message : "");
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  // The board goes on while this is open: everybody is who is there when it is done.
  const touched =
    seats === "all" ? all.filter((it) => it.environment_id != null || it.joined_at != null) : seats;
  const here = touched.filter(
    (it) => it.last_seen_at && now_ms - Date.parse(it.last_seen_at) < HERE_MS,
  ).length;
  const count = touched.length;
  const isAll = seats === "all";
  const run = useCommand(() => seatDeed(session.id, askOf()), {
    refresh: SESSION_NOUNS,
    onDone: ({ changed }) => {
      notify(t(`done.deed_${deed === "help-done" ? "help" : deed}`, { count: changed }));
      onClose();
    },
  });
  function askOf(): SeatDeed {
    const seat_ids = isAll ? undefined : touched.map((it) => it.id);
    const whom = seat_ids ? { seat_ids } : {};
    switch (deed) {
      case "extend":
        return { deed, minutes: Number(minutes), ...whom };
      case "message":
        return { deed, text: text.trim(), ...whom };
      case "end":
        return { deed, ...whom };
      default:
        return { deed, seat_ids: seat_ids ?? [] };
    }
  }
  const danger = deed === "end" || deed === "restart";
  const word = deed === "help-done" ? "help" : deed;
  const title = isAll
    ? t(deed === "end" ? "deed.end_session" : deed === "message" ? "deed.message_all" : "deed.extend_all", {
        name: session.name,
      })
    : t(`deed.${word}_title`, { count });
  const ends = format.moment(
    new Date(Date.parse(session.ends_at) + Number(minutes) * 60_000).toISOString(),
    now_ms,
  );
  return (
    <Dialog open onClose={onClose} tone={danger ? "danger" : "plain"} title={title}>
      <form
        className={util.stack}
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate(undefined, { onError: setProblem });
        }}
      >
        {problem && <ProblemNote problem={problem} />}
        <Names seats={touched} all={isAll} />
        {deed === "extend" && (
          <>
            <Segmented
              label={t("deed.by")}
              value={minutes}
              onChoose={setMinutes}
              options={MINUTES.map((it) => ({
                value: it,
                label: t("deed.by_minutes", { minutes: Number(it) }),
              }))}
            />
            {isAll && <p className={util.ink2}>{t("deed.extend_all_text", { moment: ends })}</p>}
          </>
        )}
        {deed === "message" && (
          <TextArea
            label={t("deed.message_label")}
            hint={t("deed.message_hint")}
            value={text}
            onChange={({ target: { value } }) => setText(value)}
            className={styles.text}
            rows={3}
            maxLength={1_000}
            autoFocus
          />
        )}
        {deed === "restart" && (
          <Note tone="warn" icon="triangle">
            {t("deed.restart_text", { here })}
          </Note>
        )}
        {deed === "end" && (
          <Note tone="down" icon="triangle">
            {t(isAll ? "deed.end_session_text" : "deed.end_text", { here })}
          </Note>
        )}
        <DialogFoot>
          <Button
            type="submit"
            look={danger ? "danger" : "primary"}
            busy={run.isPending}
            whyNot={count === 0 && !isAll ? t("deed.nobody") : null}
          >
            {deed === "message" && text.trim() === ""
              ? t("deed.message_remove", { count })
              : isAll && deed === "end"
                ? t("deed.end_session_do", { count })
                : t(`deed.${word}_do`, { count })}
          </Button>
          <Button look="ghost" onClick={onClose}>
            {t("action.cancel")}
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}

function Names({ seats, all }: { seats: readonly Seat[]; all: boolean }) {
  const t = useText();
  if (all) return <p className={util.ink2}>{t("deed.touches_all", { count: seats.length })}</p>;
  const rest = seats.length - NAMED;
  return (
    <div>
      <p className={util.muted}>{t("deed.touches", { count: seats.length })}</p>
      <ul className={styles.names}>
        {seats.slice(0, NAMED).map((it) => (
          <li key={it.id}>
            <span>{it.number}</span> {it.name || "—"}
          </li>
        ))}
        {rest > 0 && <li>{t("deed.and_more", { count: rest })}</li>}
      </ul>
    </div>
  );
}

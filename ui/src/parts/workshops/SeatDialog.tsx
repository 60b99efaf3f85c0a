/** One seat: who, how they come back in, what they have, and why it is as it is. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Seat } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { CopyLine } from "../../ui/CopyLine";
import { Dialog, DialogFoot } from "../../ui/Dialog";
import { InfrastructureStatus } from "../InfrastructureStatus";
import { Countdown } from "./Countdown";
import type { Deed } from "./DeedDialog";
import styles from "./SeatDialog.module.css";
import { SeatStatus, useReasonText } from "./SeatFace";
import { Seen } from "./SeatGrid";

export default function SeatDialog({
  seat,
  whyNot,
  onDeed,
  onClose,
}: {
  seat: Seat;
  whyNot: string | null;
  onDeed: (deed: Deed) => void;
  onClose: () => void;
}) {
  const t = useText();
  const format = useFormat();
  const reason = useReasonText()(seat.reason);
  const facts: [string, ReactNode][] = [[t("board.column.state"), <SeatStatus key="state" seat={seat} />]];
  if (reason) facts.push([t("seat.why"), reason]);
  if (seat.step && seat.state === "starting") facts.push([t("seat.step"), t(`env_step.${seat.step.name}`)]);
  if (seat.help_text) facts.push([t("seat.help_said"), <q key="help">{seat.help_text}</q>]);
  if (seat.message) facts.push([t("seat.message"), seat.message]);
  if (seat.email) facts.push([t("account.email"), seat.email]);
  if (seat.infrastructure_id) {
    facts.push([
      t("board.column.infrastructure"),
      <span key="infrastructure" className={styles.place}>
        <Link to="/admin/infrastructures/$id" params={{ id: seat.infrastructure_id }}>
          {seat.infrastructure_name}
        </Link>
        {seat.infrastructure_state && <InfrastructureStatus state={seat.infrastructure_state} />}
      </span>,
    ]);
  }
  facts.push([t("board.column.left"), <Countdown key="left" at={seat.expires_at} />]);
  facts.push([t("board.column.seen"), <Seen key="seen" at={seat.last_seen_at} />]);
  if (seat.joined_at) facts.push([t("seat.joined"), format.exactly(seat.joined_at)]);
  facts.push([t("board.column.attempts"), format.count(seat.attempts)]);
  const deed = (it: Deed["deed"]) => () => onDeed({ deed: it, seats: [seat] });
  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={t("seat.title", { number: seat.number, name: seat.name || "—" })}
    >
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {seat.detail && (
        <div>
          <p className={styles.label}>{t("seat.detail")}</p>
          <p className={styles.detail} lang="en">
            {seat.detail}
          </p>
        </div>
      )}
      {seat.key && (
        <div>
          <p className={styles.label}>{t("seat.key")}</p>
          <CopyLine text={seat.key} copyLabel={t("action.copy")} copiedLabel={t("action.copied")} />
        </div>
      )}
      <DialogFoot>
        {seat.help_requested_at != null && (
          <Button icon="hand" look="primary" whyNot={whyNot} onClick={deed("help-done")}>
            {t("board.help_done")}
          </Button>
        )}
        <Button icon="extend" whyNot={whyNot} onClick={deed("extend")}>
          {t("board.extend")}
        </Button>
        <Button icon="message" whyNot={whyNot} onClick={deed("message")}>
          {t("board.message")}
        </Button>
        <Button icon="retry" whyNot={whyNot} onClick={deed("restart")}>
          {t("board.restart")}
        </Button>
        <Button icon="stop" look="danger" whyNot={whyNot} onClick={deed("end")}>
          {t("board.end_seats", { count: 1 })}
        </Button>
        <Button look="ghost" onClick={onClose}>
          {t("action.close")}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}

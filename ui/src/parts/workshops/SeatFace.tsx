/** How a seat is told: its state, what is being done, and why when it went wrong. */
import type { EnvironmentReason, Seat } from "../../api/workshops";
import { useLanguage } from "../../i18n/language";
import { useText, useTextIfKnown } from "../../i18n/text";
import { Status } from "../../ui/Status";
import { TipTrigger } from "../../ui/Tip";
import { SEAT_KINDS, seatKind } from "./words";

export function SeatStatus({ seat }: { seat: Seat }) {
  const t = useText();
  const asks = seat.help_requested_at != null;
  const kind = seatKind(seat);
  const face = SEAT_KINDS[kind];
  if (asks && (kind === "in_use" || kind === "ready")) {
    return (
      <Status tone="warn" icon="hand" small>
        {t("seat.help")}
      </Status>
    );
  }
  return (
    <Status tone={face.tone} icon={face.icon} small>
      {kind === "starting" && seat.step
        ? t("seat.starting_step", { number: seat.step.number, count: seat.step.count })
        : kind === "failed" && seat.attempts > 1
          ? t("seat.failed_attempts", { attempts: seat.attempts })
          : t(face.word)}
    </Status>
  );
}

/** A reason as a sentence. */
export function useReasonText(): (reason: EnvironmentReason | null | undefined) => string | null {
  const known = useTextIfKnown();
  return (reason) => (reason ? (known(`env_reason.${reason}`) ?? reason.replaceAll("_", " ")) : null);
}

/** Why it failed or waits, or what is being done; the server's own sentence behind it. */
export function SeatReason({ seat }: { seat: Pick<Seat, "reason" | "detail" | "step" | "state"> }) {
  const t = useText();
  const language = useLanguage();
  const reason = useReasonText()(seat.reason);
  const step = seat.state === "starting" && seat.step ? t(`env_step.${seat.step.name}`) : null;
  const line = reason ?? step;
  if (!line) return null;
  // The server's sentence is English and for operators.
  return seat.detail ? (
    <TipTrigger
      content={<span lang={language === "en" ? undefined : "en"}>{seat.detail}</span>}
      render={<span>{line}</span>}
    />
  ) : (
    <span>{line}</span>
  );
}

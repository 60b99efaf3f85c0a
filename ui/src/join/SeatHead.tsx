/**
 * What never leaves the participant's screen: whose seat it is, how long it lasts, what can be done.
 *
 * Promises: a thing that cannot be done keeps its place and says why; throwing the environment away
 * is asked twice, and says what is lost. Does not: decide; the server's answer is what is shown.
 */
import { useState } from "react";
import { useLanguage } from "../i18n/language";
import { useNow } from "../i18n/now";
import { Icon } from "../ui/Icon";
import { useAct } from "./act";
import { HelpDialog, KubeconfigDialog, RestartDialog, SeatDialog } from "./dialogs";
import type { Phase } from "./Join";
import { Band, Button, ProblemBand } from "./parts";
import { codeWords, environmentExtend, type PortalEnvironment, type PortalView } from "./portal";
import styles from "./SeatHead.module.css";
import { useText } from "./text";
import { countdownWords, extensionEnd, momentWords, urgencyKey, urgencyOf } from "./time";

type Layer = "kubeconfig" | "restart" | "help" | "seat" | null;

export function SeatHead({
  view,
  phase,
  isOffline,
  code,
}: {
  view: PortalView;
  phase: Phase;
  isOffline: boolean;
  code: string | null;
}) {
  const t = useText();
  const language = useLanguage();
  const now_ms = useNow();
  const [layer, setLayer] = useState<Layer>(null);
  const { session, seat, environment } = view;
  const isOver = session.state === "closing" || session.state === "ended";
  const close = () => setLayer(null);
  const hasOne = phase === "ready" || phase === "paused";

  return (
    <header className={styles.head}>
      <div className={styles.bar}>
        <div className={styles.who}>
          <h1>{session.name}</h1>
          <p>
            <b>{t("seat.number", { number: seat.number })}</b>
            <span>{seat.name}</span>
            <button type="button" className={styles.key} onClick={() => setLayer("seat")}>
              {t("seat.key", { key: codeWords(seat.key) })}
            </button>
            {!isOver && (
              <span>{t("seat.session_until", { time: momentWords(language, session.ends_at, now_ms) })}</span>
            )}
          </p>
        </div>
        {phase === "ready" && environment?.expires_at && (
          <Countdown environment={environment} expires_at={environment.expires_at} now_ms={now_ms} />
        )}
        <div className={styles.acts}>
          {phase === "ready" && (
            <Button icon="download" onClick={() => setLayer("kubeconfig")}>
              {t("kubeconfig.do")}
            </Button>
          )}
          {hasOne && (
            <Button icon="retry" className={styles.wideOnly} onClick={() => setLayer("restart")}>
              {t("restart.do")}
            </Button>
          )}
          {!isOver && (
            <Button
              icon={seat.help_requested_at ? "check" : "bell"}
              className={seat.help_requested_at ? styles.asked : undefined}
              aria-pressed={seat.help_requested_at !== null}
              onClick={() => setLayer("help")}
            >
              {seat.help_requested_at ? (
                t("help.asked")
              ) : (
                <>
                  <span className={styles.long}>{t("help.ask")}</span>
                  <span className={styles.short}>{t("help.ask_short")}</span>
                </>
              )}
            </Button>
          )}
          <Button icon="user" look="ghost" onClick={() => setLayer("seat")}>
            {t("seat.mine")}
          </Button>
        </div>
      </div>
      <div className={styles.bands}>
        {isOffline && (
          <Band tone="warn" icon="plug">
            {t("page.offline")}
          </Band>
        )}
        {session.message && (
          <Band tone="accent" icon="mail" title={t("message.session")}>
            {session.message}
          </Band>
        )}
        {seat.message && (
          <Band tone="accent" icon="mail" title={t("message.seat")}>
            {seat.message}
          </Band>
        )}
      </div>
      {layer === "kubeconfig" && <KubeconfigDialog view={view} onClose={close} />}
      {layer === "restart" && <RestartDialog onClose={close} />}
      {layer === "help" && <HelpDialog view={view} onClose={close} />}
      {layer === "seat" && (
        <SeatDialog
          view={view}
          code={code}
          onClose={close}
          {...(hasOne && { onRestart: () => setLayer("restart") })}
        />
      )}
    </header>
  );
}

function Countdown({
  environment,
  expires_at,
  now_ms,
}: {
  environment: PortalEnvironment;
  expires_at: string;
  now_ms: number;
}) {
  const t = useText();
  const language = useLanguage();
  const { busy, problem, act } = useAct();
  const [wasExtended, setExtended] = useState(false);
  const left_ms = Date.parse(expires_at) - now_ms;
  const urgency = urgencyOf(left_ms);
  const { extension } = environment;
  const isOffered = extension !== null && Date.parse(extension.from) <= now_ms;
  const warning = urgencyKey(urgency, isOffered);
  const left = countdownWords(t, left_ms);
  const end = t("time.end", { time: momentWords(language, expires_at, now_ms) });
  const whyNot = !extension
    ? t("extend.never")
    : isOffered
      ? null
      : t("extend.later", { time: momentWords(language, extension.from, now_ms) });
  return (
    <div className={styles.time} data-urgency={urgency}>
      <div
        role="timer"
        aria-label={t("time.timer", { left: left_ms > 0 ? t("time.left", { time: left }) : left, end })}
        className={styles.left}
      >
        {urgency !== "calm" && <Icon name={urgency === "soon" ? "clock" : "triangle"} size={20} />}
        <b>{left}</b>
        <span>{end}</span>
      </div>
      {/* Said when it appears: it is there because time is short. */}
      <p role="status" className={styles.warning}>
        {warning
          ? t(warning)
          : wasExtended && t("extend.done", { time: momentWords(language, expires_at, now_ms) })}
      </p>
      <div className={styles.extend}>
        <Button
          icon="plus"
          look={isOffered && urgency !== "calm" ? "primary" : "default"}
          busy={busy}
          whyNot={whyNot}
          onClick={async () => setExtended(await act(environmentExtend))}
        >
          {extension
            ? t("extend.do", { time: momentWords(language, extensionEnd(expires_at, extension), now_ms) })
            : t("extend.short")}
        </Button>
        {whyNot && <small aria-hidden="true">{whyNot}</small>}
      </div>
      {problem && <ProblemBand problem={problem} />}
    </div>
  );
}

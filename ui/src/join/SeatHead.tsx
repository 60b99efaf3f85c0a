/**
 * What never leaves the participant's screen: whose seat it is, how long it lasts, what can be done.
 *
 * Promises: a thing that cannot be done keeps its place and says why; throwing the environment away
 * is asked twice, and says what is lost. Does not: decide; the server's answer is what is shown.
 */
import { useRef, useState } from "react";
import { useLanguage } from "../i18n/language";
import { useNow } from "../i18n/now";
import { Icon } from "../ui/Icon";
import util from "../ui/util.module.css";
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
  const { busy, problem, act } = useAct();
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
          {phase === "ready" && environment?.expires_at && (
            <Extend
              environment={environment}
              expires_at={environment.expires_at}
              now_ms={now_ms}
              busy={busy}
              onExtend={() => void act(environmentExtend)}
            />
          )}
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
        {problem && <ProblemBand problem={problem} />}
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

interface Clock {
  environment: PortalEnvironment;
  expires_at: string;
  now_ms: number;
}

const isOffered = ({ extension }: PortalEnvironment, now_ms: number) =>
  extension !== null && Date.parse(extension.from) <= now_ms;

function Countdown({ environment, expires_at, now_ms }: Clock) {
  const t = useText();
  const language = useLanguage();
  const began = useRef(expires_at);
  const left_ms = Date.parse(expires_at) - now_ms;
  const urgency = urgencyOf(left_ms);
  const warning = urgencyKey(urgency, environment.extension !== null);
  const left = countdownWords(t, left_ms);
  const time = momentWords(language, expires_at, now_ms);
  const end = t("time.end", { time });
  const wasExtended = Date.parse(expires_at) > Date.parse(began.current);
  return (
    <div className={styles.time} data-urgency={urgency}>
      <div
        role="timer"
        aria-label={t("time.timer", { left: left_ms > 0 ? t("time.left", { time: left }) : left, end })}
      >
        <b>
          {urgency !== "calm" && <Icon name={urgency === "soon" ? "clock" : "triangle"} size={20} />}
          {left}
        </b>
        <span>{end}</span>
      </div>
      {/* Said when it appears: because time is short, or because there is more of it. */}
      <p role="status" className={warning ? styles.warning : util.sr}>
        {warning ? t(warning) : wasExtended && t("extend.done", { time })}
      </p>
    </div>
  );
}

function Extend({
  environment,
  expires_at,
  now_ms,
  busy,
  onExtend,
}: Clock & { busy: boolean; onExtend: () => void }) {
  const t = useText();
  const language = useLanguage();
  const { extension } = environment;
  const offered = isOffered(environment, now_ms);
  const words = !extension
    ? t("extend.never")
    : offered
      ? t("extend.until", { time: momentWords(language, extensionEnd(expires_at, extension), now_ms) })
      : t("extend.later", { time: momentWords(language, extension.from, now_ms) });
  const isUrgent = urgencyOf(Date.parse(expires_at) - now_ms) !== "calm";
  return (
    <Button
      icon="plus"
      look={offered && isUrgent ? "primary" : "default"}
      busy={busy}
      isOff={!offered}
      className={styles.extend}
      onClick={onExtend}
    >
      <span>
        {t("extend.do")} <small>{words}</small>
      </span>
    </Button>
  );
}

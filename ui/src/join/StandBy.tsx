/**
 * The seat while there is nothing to work in: being prepared, failed, paused, or over.
 *
 * Promises: steps and times are those that were seen, never a percentage that nobody measured; says
 * why, what happens by itself, and what a person can do. Does not: show operators' words.
 */
import { useLanguage } from "../i18n/language";
import { useNow } from "../i18n/now";
import { Icon } from "../ui/Icon";
import { useAct } from "./act";
import { Instructions } from "./Instructions";
import type { Phase } from "./Join";
import { Button, ProblemBand } from "./parts";
import {
  environmentRestart,
  instructionsIn,
  type PortalEnvironment,
  type PortalView,
  reasonWords,
} from "./portal";
import styles from "./StandBy.module.css";
import { isTextKey, type Text, useText } from "./text";
import { lengthWords, momentWords } from "./time";

/** As the server counts them; what it says is done is done. */
const STEPS = ["queue", "guards", "objects", "starting", "api", "tools", "done"] as const;
const NAMES: readonly string[] = STEPS;
export function StandBy({ view, phase }: { view: PortalView; phase: Phase }) {
  const t = useText();
  const language = useLanguage();
  const hasText = instructionsIn(view.instructions, language) !== null;
  return (
    <main className={styles.main} data-wide={hasText || undefined}>
      <section className={styles.state}>
        {phase === "waiting" && <Waiting environment={view.environment} />}
        {phase === "failed" && <Failed view={view} />}
        {phase === "ended" && <Ended view={view} />}
        {phase === "paused" && (
          <>
            <h2>{t("paused.title")}</h2>
            <p className={styles.lead}>{t("paused.lead")}</p>
          </>
        )}
      </section>
      {hasText && (
        <section className={styles.read} aria-label={t("work.instructions")}>
          <Instructions
            written={view.instructions}
            title={t(phase === "waiting" ? "waiting.read" : "work.instructions")}
          />
        </section>
      )}
    </main>
  );
}

function Waiting({ environment }: { environment: PortalEnvironment | null }) {
  const t = useText();
  const now_ms = useNow();
  const began = environment?.started_at;
  const elapsed_ms = began ? Math.max(0, now_ms - Date.parse(began)) : null;
  const usual_ms = environment?.usual_seconds ? environment.usual_seconds * 1_000 : null;
  // How long people wait for a place is not in the usual time.
  const isPlaced = environment?.state !== "waiting";
  const isLate = isPlaced && elapsed_ms !== null && usual_ms !== null && elapsed_ms > usual_ms;
  const reason = environment ? reasonWords(t, environment.reason) : null;
  const position = environment?.position ?? null;
  return (
    <>
      <h2>{t("waiting.title")}</h2>
      <p className={styles.lead}>{t(environment ? "waiting.lead" : "waiting.no_seat_yet")}</p>
      {position !== null && (
        <p className={styles.position}>
          <Icon name="user" />
          {position > 0 ? t("waiting.position", { count: position }) : t("waiting.next")}
        </p>
      )}
      {reason && environment?.reason !== "restarted" && (
        <p className={styles.reason}>
          <Icon name="triangle" />
          <span>
            <b>{reason.what}</b> {t("waiting.retry")}
          </span>
        </p>
      )}
      {elapsed_ms !== null && (
        <>
          <p className={styles.clock}>
            <b>{lengthWords(t, elapsed_ms)}</b> <span>{t("waiting.since")}</span>
          </p>
          {usual_ms !== null && isPlaced && <Usual elapsed_ms={elapsed_ms} usual_ms={usual_ms} />}
        </>
      )}
      {environment?.step && <Steps step={environment.step} now_ms={now_ms} />}
      {environment && <p className={styles.say}>{t(isLate ? "waiting.late" : "waiting.if_late")}</p>}
    </>
  );
}

/** The time so far beside the usual one, on one scale. */
function Usual({ elapsed_ms, usual_ms }: { elapsed_ms: number; usual_ms: number }) {
  const t = useText();
  const usual = lengthWords(t, usual_ms);
  const whole_ms = Math.max(usual_ms * 2, elapsed_ms);
  const share = (ms: number) => `${(Math.min(1, ms / whole_ms) * 100).toFixed(1)}%`;
  return (
    <div
      className={styles.usual}
      role="img"
      aria-label={t("waiting.usual_aria", { elapsed: lengthWords(t, elapsed_ms), usual })}
    >
      <span className={styles.track} />
      <span className={styles.elapsed} style={{ width: share(elapsed_ms) }} />
      <span className={styles.mark} style={{ left: share(usual_ms) }} />
      <span className={styles.usualWords}>{t("waiting.usual", { time: usual })}</span>
    </div>
  );
}

function Steps({ step, now_ms }: { step: NonNullable<PortalEnvironment["step"]>; now_ms: number }) {
  const t = useText();
  const since_ms = Date.parse(step.since);
  const at = NAMES.indexOf(step.name);
  // A server that counts otherwise is believed: then only the present step is shown.
  const shown = at >= 0 && step.count === STEPS.length ? STEPS : [];
  return (
    <>
      <p className={styles.stepCount}>{t("waiting.step", { number: step.number, count: step.count })}</p>
      <ol className={styles.steps} aria-label={t("waiting.steps")}>
        {shown.length === 0 && (
          <li data-state="now" aria-current="step">
            <Icon name="spinner" spin />
            <span>{stepWords(t, step.name)}</span>
            <small>{lengthWords(t, now_ms - since_ms)}</small>
          </li>
        )}
        {shown.map((name, place) => {
          const state = place < at ? "done" : place === at ? "now" : "todo";
          return (
            <li key={name} data-state={state} aria-current={state === "now" ? "step" : undefined}>
              {state === "now" ? (
                <Icon name="spinner" spin />
              ) : (
                <Icon name={state === "done" ? "check" : "wait"} />
              )}
              <span>
                {t(`step.${name}`)}
                {state === "now" && <small>{t(`step.${name}.now`)}</small>}
              </span>
              <small>
                {state === "now" ? lengthWords(t, now_ms - since_ms) : t(`waiting.step_${state}`)}
              </small>
            </li>
          );
        })}
      </ol>
    </>
  );
}

function stepWords(t: Text, name: string): string {
  const key = `step.${name}`;
  return isTextKey(key) ? t(key) : name;
}

/** What happened and what to do, with the button that does it. */
function Reason({
  what,
  next,
  canStart,
  start,
}: {
  what?: string;
  next?: string;
  canStart: boolean;
  start: string;
}) {
  const { busy, problem, act } = useAct();
  return (
    <>
      {what && (
        <p className={styles.lead}>
          <b>{what}</b> {next}
        </p>
      )}
      {problem && <ProblemBand problem={problem} />}
      {canStart && (
        <p>
          <Button look="primary" icon="retry" busy={busy} onClick={() => void act(environmentRestart)}>
            {start}
          </Button>
        </p>
      )}
    </>
  );
}

function Failed({ view }: { view: PortalView }) {
  const t = useText();
  return (
    <>
      <h2>
        <Icon name="cross" size={20} /> {t("failed.title")}
      </h2>
      <Reason
        {...reasonWords(t, view.environment?.reason ?? null)}
        canStart={view.session.state === "open"}
        start={t("failed.again")}
      />
    </>
  );
}

function Ended({ view: { session, environment, instructions } }: { view: PortalView }) {
  const t = useText();
  const language = useLanguage();
  const now_ms = useNow();
  const isOver = session.state === "closing" || session.state === "ended";
  const end = momentWords(language, session.ends_at, now_ms);
  const hasText = instructionsIn(instructions, language) !== null;
  return (
    <>
      <h2>
        {t(isOver ? "ended.session_title" : environment?.state === "ending" ? "ending.title" : "ended.title")}
      </h2>
      {isOver ? (
        <p className={styles.lead}>{t("ended.session_lead", { time: end })}</p>
      ) : (
        <Reason
          {...reasonWords(t, environment?.reason ?? null)}
          canStart={environment?.state === "ended" && session.state === "open"}
          start={t("ended.new")}
        />
      )}
      <div className={styles.remains}>
        <h3>{t("ended.remains")}</h3>
        <ul>
          {hasText && <li>{t("ended.kept_instructions")}</li>}
          {!isOver && <li>{t("ended.kept_seat", { time: end })}</li>}
          <li>{t("ended.kept_files")}</li>
          <li>{t("ended.gone")}</li>
        </ul>
      </div>
    </>
  );
}

/**
 * The way in: which session, then who.
 *
 * Promises: says what is wrong and what to do next in plain words; before the start it takes the
 * name, waits by itself, and lets the person in. Does not: make an account.
 */
import { type FormEvent, type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { serverNow } from "../api/clock";
import { type ApiProblem, problemOf } from "../api/problem";
import { useLanguage } from "../i18n/language";
import { useNow } from "../i18n/now";
import styles from "./Enter.module.css";
import { Band, Button, Field, LanguageSwitch, ProblemBand } from "./parts";
import { codeParse, codeWords, type SessionFace, seatTake, sessionFind } from "./portal";
import { thisSeat } from "./seat";
import { useText } from "./text";
import { countdownWords, momentWords } from "./time";

/** Everybody of a room would come in the same second. */
const SPREAD_MS = 3_000;
const AGAIN_MS = 5_000;
/** So that a change of the session's times is noticed. */
const FACE_AGAIN_MS = 30_000;

function EnterPage({ title, eyebrow, children }: { title: string; eyebrow?: string; children: ReactNode }) {
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <span className={styles.brand}>NALABO</span>
        <LanguageSwitch />
      </header>
      <main className={styles.main}>
        <div>
          {eyebrow && <p className={styles.eyebrow}>{eyebrow}</p>}
          <h1 className={styles.title}>{title}</h1>
        </div>
        {children}
      </main>
    </div>
  );
}

/** Asks for the code of the session. */
export function EnterCode({ onCode, lost }: { onCode: (code: string) => void; lost: boolean }) {
  const t = useText();
  const [typed, setTyped] = useState("");
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const code = codeParse(typed);
    setWrong(!code);
    if (code) onCode(code);
  };
  return (
    <EnterPage title={t("enter.code_title")}>
      {lost && (
        <Band tone="warn" icon="info">
          {t("enter.lost_seat")}
        </Band>
      )}
      <p className={styles.lead}>{t("enter.code_lead")}</p>
      <form className={styles.form} onSubmit={submit} noValidate>
        <Field
          label={t("enter.code_label")}
          hint={t("enter.code_hint")}
          error={isWrong ? t("enter.code_wrong") : null}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          className={styles.code}
          autoCapitalize="characters"
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
          maxLength={40}
        />
        <Button look="primary" type="submit" className={styles.submit}>
          {t("enter.go_on")}
        </Button>
      </form>
    </EnterPage>
  );
}

/** Shows the session of `code`, and asks who comes in. */
export function EnterSession({
  code,
  elsewhere,
  lost,
  onOtherCode,
}: {
  code: string;
  /** This browser has a seat, in another session. */
  elsewhere?: { name: string; onGo: () => void };
  lost: boolean;
  onOtherCode?: () => void;
}) {
  const t = useText();
  const language = useLanguage();
  const now_ms = useNow();
  const [face, setFace] = useState<SessionFace | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const load = useCallback(() => {
    void sessionFind(code).then(
      (found) => {
        setFace(found);
        setProblem(null);
      },
      (error) => setProblem(problemOf(error)),
    );
  }, [code]);
  useEffect(() => {
    load();
    const timer = setInterval(load, FACE_AGAIN_MS);
    return () => clearInterval(timer);
  }, [load]);
  useEffect(() => {
    document.title = face ? `${face.session_name} · NALABO` : "NALABO";
  }, [face]);

  const other = onOtherCode && (
    <Button look="ghost" icon="arrow" onClick={onOtherCode} className={styles.other}>
      {t("enter.other_code")}
    </Button>
  );
  if (!face) {
    return (
      <EnterPage title={t("page.title")}>
        {problem ? (
          <>
            <ProblemBand problem={problem} {...(problem.status !== 404 && { onRetry: load })} />
            <p className={styles.small}>
              {t("enter.code_label")} <code>{codeWords(code)}</code>
            </p>
            {other}
          </>
        ) : (
          <p role="status" className={styles.lead}>
            {t("page.loading")}
          </p>
        )}
      </EnterPage>
    );
  }
  const isOver = face.state === "closing" || face.state === "ended" || Date.parse(face.ends_at) <= now_ms;
  const when = t("enter.when", {
    from: momentWords(language, face.starts_at, now_ms),
    until: momentWords(language, face.ends_at, now_ms),
  });
  return (
    <EnterPage title={face.session_name} eyebrow={face.title === face.session_name ? "" : face.title}>
      <p className={styles.when}>{when}</p>
      {face.summary && <p className={styles.lead}>{face.summary}</p>}
      {elsewhere && (
        <div className={styles.elsewhere}>
          <Band tone="accent" icon="info">
            {t("enter.other_seat", { name: elsewhere.name })}
          </Band>
          <Button onClick={elsewhere.onGo}>{t("enter.other_seat_go")}</Button>
        </div>
      )}
      {lost && !isOver && (
        <Band tone="warn" icon="info">
          {t("enter.lost_seat")}
        </Band>
      )}
      {isOver ? (
        <div className={styles.over}>
          <h2>{t("over.title")}</h2>
          <p>{t("over.lead", { time: momentWords(language, face.ends_at, now_ms) })}</p>
        </div>
      ) : (
        <EnterForm code={code} face={face} onStale={load} />
      )}
      {other}
    </EnterPage>
  );
}

function EnterForm({ code, face, onStale }: { code: string; face: SessionFace; onStale: () => void }) {
  const t = useText();
  const language = useLanguage();
  const now_ms = useNow();
  const [by, setBy] = useState<"name" | "key">(face.access === "roster" ? "key" : "name");
  const [typed, setTyped] = useState("");
  const [missing, setMissing] = useState<string | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  /** Goes in by itself as soon as it starts. */
  const [isArmed, setArmed] = useState(false);
  /** How often the server said that it was too early: each sets the timer anew. */
  const [earlies, setEarlies] = useState(0);
  const starts_ms = Date.parse(face.starts_at);
  const isEarly = now_ms < starts_ms;
  const input = useRef<HTMLInputElement>(null);

  const take = useCallback(async () => {
    setBusy(true);
    setProblem(null);
    const who = by === "name" ? { name: typed.trim() } : { key: codeParse(typed) ?? typed };
    try {
      thisSeat.note(await seatTake({ code, ...who }));
    } catch (error) {
      const found = problemOf(error);
      if (found.code === "not_started") {
        setArmed(true);
        setEarlies((it) => it + 1);
        onStale();
      } else {
        setArmed(false);
        setProblem(found);
        if (found.code === "key_needed") {
          setBy("key");
          setTyped("");
        }
        if (found.code === "session_over") onStale();
        input.current?.focus();
      }
    } finally {
      setBusy(false);
    }
  }, [by, code, typed, onStale]);

  // biome-ignore lint/correctness/useExhaustiveDependencies(earlies): it says that there was an answer.
  useEffect(() => {
    if (!isArmed || busy) return;
    const left_ms = starts_ms - serverNow();
    const wait_ms = left_ms > 0 ? left_ms + Math.random() * SPREAD_MS : AGAIN_MS;
    // A timer longer than 24 days would go off at once.
    const timer = setTimeout(() => void take(), Math.min(wait_ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  }, [isArmed, busy, earlies, starts_ms, take]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const isMissing = by === "name" ? typed.trim() === "" : codeParse(typed) === null;
    setMissing(isMissing ? (by === "name" ? t("problem.name_needed") : t("enter.key_wrong")) : null);
    if (isMissing) return input.current?.focus();
    if (isEarly) setArmed(true);
    else void take();
  };
  const change = (next: "name" | "key") => {
    setBy(next);
    setTyped("");
    setMissing(null);
    setProblem(null);
  };
  const start = momentWords(language, face.starts_at, now_ms);

  return (
    <>
      {(isEarly || isArmed) && (
        <div className={styles.early}>
          <h2>
            {t("early.title", { time: start })}{" "}
            {isEarly && <span>{t("early.countdown", { time: countdownWords(t, starts_ms - now_ms) })}</span>}
          </h2>
          {!isArmed && <p>{t(by === "name" ? "early.lead" : "early.lead_key")}</p>}
        </div>
      )}
      {isArmed ? (
        <div className={styles.armed} role="status">
          <Band
            tone="ok"
            icon="check"
            title={by === "name" ? typed.trim() : codeWords(codeParse(typed) ?? "")}
          >
            {t("early.armed", { time: start })}
          </Band>
          <Button onClick={() => setArmed(false)}>{t("early.change")}</Button>
        </div>
      ) : (
        <form className={styles.form} onSubmit={submit} noValidate>
          {by === "name" ? (
            <Field
              ref={input}
              label={t("enter.name_label")}
              hint={t("enter.name_hint")}
              error={missing}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              autoComplete="name"
              maxLength={60}
            />
          ) : (
            <Field
              ref={input}
              label={t("enter.key_label")}
              hint={t(face.access === "roster" ? "enter.key_hint_roster" : "enter.key_hint_return")}
              error={missing}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              className={styles.code}
              autoCapitalize="characters"
              autoComplete="off"
              autoCorrect="off"
              spellCheck={false}
              maxLength={40}
            />
          )}
          {problem && <ProblemBand problem={problem} />}
          <Button look="primary" type="submit" busy={busy} className={styles.submit}>
            {t(isEarly ? "enter.submit_early" : "enter.submit")}
          </Button>
          {face.access === "open" && (
            <Button
              look="ghost"
              onClick={() => change(by === "name" ? "key" : "name")}
              className={styles.other}
            >
              {t(by === "name" ? "enter.by_key" : "enter.by_name")}
            </Button>
          )}
        </form>
      )}
    </>
  );
}

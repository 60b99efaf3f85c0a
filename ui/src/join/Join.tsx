/**
 * The whole of a participant's way: in, waiting, at work, and out.
 *
 * Promises: one view follows from the seat and the address; a change of state is said once to who
 * listens instead of looking. Does not: know the console.
 */
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import util from "../ui/util.module.css";
import { EnterCode, EnterSession } from "./Enter";
import styles from "./Join.module.css";
import { ProblemBand } from "./parts";
import { codeParse, type PortalView } from "./portal";
import { SeatHead } from "./SeatHead";
import { StandBy } from "./StandBy";
import { thisSeat, useSeat } from "./seat";
import { type TextKey, useText } from "./text";
import { Workspace } from "./Workspace";

/** The code in `/join/<code>`; what cannot be one is asked for anew. */
function codeInAddress(): string | null {
  const written = /^\/join\/([^/]+)/.exec(location.pathname)?.[1];
  try {
    return written ? codeParse(decodeURIComponent(written)) : null;
  } catch {
    return null;
  }
}

const listeners = new Set<() => void>();
function codeGo(code: string | null, replace = false) {
  const address = code ? `/join/${code}` : "/join";
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  for (const tell of listeners) tell();
}
const useCode = () =>
  useSyncExternalStore((tell) => {
    listeners.add(tell);
    window.addEventListener("popstate", tell);
    return () => {
      listeners.delete(tell);
      window.removeEventListener("popstate", tell);
    };
  }, codeInAddress);

export type Phase = "waiting" | "ready" | "failed" | "ended" | "paused";

/** What is to be shown of a seat. */
export function phaseOf({ session, environment }: PortalView): Phase {
  if (session.state === "closing" || session.state === "ended") return "ended";
  switch (environment?.state) {
    case undefined:
    case "waiting":
    case "starting":
      return "waiting";
    case "ready":
      return "ready";
    case "failed":
      return "failed";
    case "paused":
      return "paused";
    default:
      // A new one is on its way already.
      return environment?.reason === "restarted" ? "waiting" : "ended";
  }
}

const SAID: Record<Phase, TextKey> = {
  waiting: "said.waiting",
  ready: "said.ready",
  failed: "said.failed",
  ended: "said.ended",
  paused: "said.paused",
};

export function Join() {
  const t = useText();
  const code = useCode();
  const seat = useSeat();
  // As the server says it, so that the address of a seat can be kept and sent.
  const own = seat.kind === "taken" ? codeParse(seat.view.session.code ?? "") : null;

  useEffect(() => {
    if (own && !code) codeGo(own, true);
  }, [own, code]);

  if (seat.kind === "loading") return <Alone>{t("page.loading")}</Alone>;
  if (seat.kind === "unknown") {
    return (
      <Alone>
        <ProblemBand problem={seat.problem} onRetry={thisSeat.ask} />
      </Alone>
    );
  }
  const lost = seat.kind === "none" && seat.was;
  if (seat.kind === "none") {
    return code ? (
      <EnterSession key={code} code={code} lost={lost} onOtherCode={() => codeGo(null)} />
    ) : (
      <EnterCode onCode={codeGo} lost={lost} />
    );
  }
  // A link to another session than the one that this browser has a seat in.
  if (code && own && code !== own) {
    const elsewhere = { name: seat.view.session.name, onGo: () => codeGo(own) };
    return <EnterSession key={code} code={code} elsewhere={elsewhere} lost={false} />;
  }
  return <Seated view={seat.view} isOffline={seat.isOffline} code={own ?? code} />;
}

function Alone({ children }: { children: React.ReactNode }) {
  const t = useText();
  return (
    <main className={styles.alone}>
      <h1 className={util.sr}>{t("page.title")}</h1>
      {children}
    </main>
  );
}

function Seated({ view, isOffline, code }: { view: PortalView; isOffline: boolean; code: string | null }) {
  const t = useText();
  const phase = phaseOf(view);
  const said = useSaid(view, phase, isOffline);
  useEffect(() => {
    const number = t("seat.number", { number: view.seat.number });
    document.title = `${phase === "ready" ? "" : `${t(SAID[phase])} `}${number} · ${view.session.name}`;
  }, [t, phase, view.seat.number, view.session.name]);
  return (
    <div className={styles.page} data-phase={phase}>
      <p role="status" className={util.sr}>
        {said}
      </p>
      <SeatHead view={view} phase={phase} isOffline={isOffline} code={code} />
      {phase === "ready" && view.environment ? (
        // Another environment has another terminal.
        <Workspace key={view.environment.id} view={view} />
      ) : (
        <StandBy view={view} phase={phase} />
      )}
    </div>
  );
}

/** What happened last, for who listens: the state, the connection, a message. */
function useSaid(view: PortalView, phase: Phase, isOffline: boolean): string {
  const t = useText();
  const message = [view.session.message, view.seat.message].filter(Boolean).join(" ");
  const [said, setSaid] = useState("");
  const before = useRef({ phase: "" as Phase | "", isOffline: false, message: "" });
  useEffect(() => {
    const was = before.current;
    before.current = { phase, isOffline, message };
    if (was.phase !== phase) setSaid(t(SAID[phase]));
    else if (was.isOffline !== isOffline) setSaid(t(isOffline ? "page.offline" : "page.online"));
    else if (was.message !== message && message) setSaid(t("said.message", { text: message }));
  }, [t, phase, isOffline, message]);
  return said;
}

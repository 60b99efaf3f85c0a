/**
 * What a participant's page asks of the server, and what it is told.
 *
 * Promises: every call ends within its deadline and rejects with an {@link ApiProblem} and nothing
 * else. Does not: need an account; the seat is in a cookie that no script can read.
 */
import { ApiProblem, problemFromResponse } from "../api/problem";
import { isTextKey, type Text } from "./text";
import { type Extension, lengthWords } from "./time";

type Access = "open" | "roster";
type SessionState = "scheduled" | "warming" | "open" | "closing" | "ended";
type EnvironmentState = "waiting" | "starting" | "ready" | "paused" | "ending" | "ended" | "failed";
type Written = Partial<Record<"en" | "fr", string>>;

/** A session as whoever has its code sees it. */
export interface SessionFace {
  session_name: string;
  title: string;
  summary: string;
  starts_at: string;
  ends_at: string;
  state: SessionState;
  access: Access;
}

interface EnvironmentStep {
  name: string;
  number: number;
  count: number;
  since: string;
}

export interface PortalEnvironment {
  id: string;
  label: string;
  state: EnvironmentState;
  reason: string | null;
  step: EnvironmentStep | null;
  /** People before this one. */
  position: number | null;
  /** Nine starts of ten took no longer. */
  usual_seconds: number | null;
  started_at: string | null;
  expires_at: string | null;
  extension: Extension | null;
  driver: "vcluster" | "namespace";
  kubernetes_version: string | null;
  namespace: string;
}

/** All that the page shows of one seat. */
export interface PortalView {
  session: {
    name: string;
    title: string;
    starts_at: string;
    ends_at: string;
    state: SessionState;
    message: string | null;
    /** Of the link to this page. */
    code?: string;
  };
  seat: {
    number: number;
    name: string;
    key: string;
    message: string | null;
    help_requested_at: string | null;
  };
  instructions: Written;
  environment: PortalEnvironment | null;
  now: string;
}

const DEADLINE_MS = 15_000;

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/api/portal/${path}`, {
      ...init,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  } catch {
    throw new ApiProblem(0, { code: "no_answer" });
  }
  if (!response.ok) throw await problemFromResponse(response);
  return response;
}

async function bodyOf<Body>(response: Response): Promise<Body> {
  try {
    return (await response.json()) as Body;
  } catch {
    // Cut off on its way, or a page of somebody in between.
    throw new ApiProblem(0, { code: "unexpected_answer" });
  }
}

const post = (path: string, body: object = {}) =>
  call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

export const sessionFind = async (code: string) =>
  bodyOf<SessionFace>(await call(`sessions/${encodeURIComponent(code)}`));
export const seatRead = async () => bodyOf<PortalView>(await call("me"));
export const seatTake = async (ask: { code: string; name?: string; key?: string }) =>
  bodyOf<PortalView>(await post("join", ask));
export const environmentExtend = async () => bodyOf<PortalView>(await post("extend"));
export const environmentRestart = async () => bodyOf<PortalView>(await post("restart"));
export const helpAsk = async (ask: { on: boolean; text?: string }) =>
  bodyOf<PortalView>(await post("help", ask));
export const seatLeave = async () => void (await post("leave"));
export const kubeconfigFetch = async () => (await call("kubeconfig")).blob();

/** Of codes that differ only for programs, the one that has words. */
const SAME_WORDS: Record<string, string> = {
  extension_not_offered: "extension_refused",
  extension_deadline: "extension_refused",
  extension_session_end: "extension_refused",
  extension_too_late: "extension_refused",
};

export interface ProblemWords {
  what: string;
  next: string;
  /** For whoever looks into it. */
  request: string | null;
}

/** A refusal in plain words, with what to do next; also one whose code this page does not know. */
export function problemWords(t: Text, problem: ApiProblem): ProblemWords {
  const code = wordedCode(problem);
  const wait_seconds = problem.body.retry_after_seconds ?? 30;
  return {
    what: t(code),
    next: t(`${code}.next`, { time: lengthWords(t, wait_seconds * 1_000) }),
    request: problem.status >= 500 ? (problem.body.request_id ?? null) : null,
  };
}

type ProblemKey =
  Extract<Parameters<Text>[0], `problem.${string}.next`> extends `${infer Key}.next` ? Key : never;

function wordedCode({ code, status }: ApiProblem): ProblemKey {
  const key = `problem.${SAME_WORDS[code] ?? code}`;
  if (isTextKey(key) && isTextKey(`${key}.next`)) return key as ProblemKey;
  if (status === 401) return "problem.unauthenticated";
  if (status === 404) return "problem.not_found";
  if (status === 429) return "problem.too_many_attempts";
  if (status === 422 || status === 400) return "problem.invalid";
  if (status >= 500) return "problem.internal";
  return status >= 400 ? "problem.refused" : "problem.unexpected_answer";
}

/** Why an environment is as it is, and what to do; an unknown reason says nothing. */
export function reasonWords(t: Text, reason: string | null): { what: string; next: string } | null {
  const what = `reason.${reason}`;
  const next = `${what}.next`;
  return isTextKey(what) && isTextKey(next) ? { what: t(what), next: t(next) } : null;
}

/** 31 characters: no 0, 1, I, L, O; the same as the server's. */
const CODE = /^[23456789A-HJKMNP-Z]{10}$/;

/** What a person typed, as links hold it; null when it cannot be a code. */
export function codeParse(typed: string): string | null {
  const code = typed.replace(/[\s-]/g, "").toUpperCase();
  return CODE.test(code) ? code : null;
}

/** As it is read aloud: K7P2M-X4TQZ. */
export const codeWords = (code: string) => code.replace(/^(\w{5})(\w{5})$/, "$1-$2");

/** Which of the two is told: the person's language if it is there, else the other one. */
export function instructionsIn(written: Written, wanted: "en" | "fr"): "en" | "fr" | null {
  const other = wanted === "en" ? "fr" : "en";
  return written[wanted]?.trim() ? wanted : written[other]?.trim() ? other : null;
}

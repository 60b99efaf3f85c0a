/**
 * What a test asks of the server before its journey begins, through the API that the console uses.
 *
 * Promises: every call ends within its deadline, and one that is refused says why.
 */
import { setTimeout } from "node:timers/promises";
import { type Cluster, fault, images, kubeconfig, onPort } from "./lab";

const DEADLINE_MS = 60_000;
/** A lab under load may lack figures at the first check; the next one comes 30 s later. */
const HEALTHY_DEADLINE_MS = 75_000;
const POLL_MS = 100;
export const OWNER = { name: "Ana Costa", email: "ana@example.org", password: "rain on the tin roof" };

export interface Infrastructure {
  id: string;
  name: string;
  is_default: boolean;
  mode: string;
  status: { state: string; reason: string | null };
  metadata: unknown;
}

export interface WorkshopAsk {
  title: string;
  driver: "vcluster" | "namespace";
  instructions: { en: string };
}

export interface WorkshopSession {
  id: string;
  code: string;
  state: string;
  counts: { joined: number; help: number; failed: number };
}

export interface Api {
  /** `__Host-nalabo=…`, as the browser would send it. */
  cookie: string;
  connect: (cluster: Cluster, more?: object) => Promise<Infrastructure>;
  /** One that answers nothing, saved disabled. */
  connectSilent: (name: string) => Promise<Infrastructure>;
  list: () => Promise<Infrastructure[]>;
  /** A workshop with these instructions, and a session of it that is open from now on, on `lyon`. */
  sessionOpen: (profile: WorkshopAsk) => Promise<WorkshopSession>;
  sessionEnd: (id: string) => Promise<void>;
  sessionFind: (id: string) => Promise<WorkshopSession>;
  /** Exactly these are connected afterwards, under their own names, and seen to answer. */
  fleet: (clusters: readonly Cluster[]) => Promise<Infrastructure[]>;
}

async function ask(url: string, method: string, cookie: string, body?: unknown): Promise<Response> {
  const answer = await fetch(url, {
    method,
    headers: {
      "X-Requested-With": "nalabo",
      "Content-Type": "application/json",
      ...(cookie && { Cookie: cookie }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

function cookieOf(answer: Response): string {
  return answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

/** Uses up the one-time link, and is signed in as the owner. */
export async function ownerSetUp(url: string, setupLink: string): Promise<Api> {
  const token = new URLSearchParams(new URL(setupLink).hash.slice(1)).get("token");
  return apiOf(url, cookieOf(await ask(`${url}/api/auth/setup`, "POST", "", { ...OWNER, token })));
}

/** Another sign-in of the owner: its cookie. */
export async function signIn(url: string): Promise<string> {
  const { email, password } = OWNER;
  return cookieOf(await ask(`${url}/api/auth/login`, "POST", "", { email, password }));
}

function apiOf(url: string, cookie: string): Api {
  const at = `${url}/api/admin/infrastructures`;
  const list = async () => {
    const page = (await (await ask(at, "GET", cookie)).json()) as { items: Infrastructure[] };
    return page.items;
  };
  const connect = async (cluster: Cluster, more: object = {}) => {
    const body = {
      name: cluster,
      environment: "training",
      source: { kind: "kubeconfig", kubeconfig: kubeconfig(cluster) },
      ...more,
    };
    return (await (await ask(at, "POST", cookie, body)).json()) as Infrastructure;
  };
  const connectSilent = (name: string) =>
    connect("paris", {
      name,
      environment: "lab",
      save_if_failing: true,
      // Nothing listens on that port of the cluster's address.
      source: { kind: "kubeconfig", kubeconfig: onPort("paris", 8443) },
    });
  const fleet = async (clusters: readonly Cluster[]) => {
    const there = await list();
    const isKept = (it: Infrastructure) => clusters.some((name) => name === it.name) && it.mode === "enabled";
    // The default goes last: it cannot go while there are others.
    const gone = there
      .filter((it) => !isKept(it))
      .sort((a, b) => Number(a.is_default) - Number(b.is_default));
    const kept = there.filter(isKept);
    if (gone.some((it) => it.is_default)) gone.unshift(...kept.splice(0));
    for (const it of gone) {
      await ask(`${at}/${it.id}?confirm=${encodeURIComponent(it.name)}`, "DELETE", cookie);
    }
    for (const cluster of clusters) {
      if (kept.some((it) => it.name === cluster)) continue;
      fault(cluster, "none");
      await connect(cluster);
    }
    return healthy();
  };
  // The metrics-server of a lab under load may fall behind; what it measures is not what is tested.
  const isWell = ({ status }: Infrastructure) =>
    status.state === "healthy" || (status.reason?.startsWith("metrics_") ?? false);
  const healthy = async () => {
    const deadline_ms = Date.now() + HEALTHY_DEADLINE_MS;
    for (;;) {
      const all = await list();
      const waiting = all.filter((it) => !isWell(it) || it.metadata === null);
      if (waiting.length === 0) return all;
      if (Date.now() > deadline_ms) throw new Error(`not healthy: ${JSON.stringify(waiting[0]?.status)}`);
      await setTimeout(POLL_MS);
    }
  };
  const send = async <Body>(method: string, path: string, body?: unknown) =>
    (await (await ask(`${url}/api/admin/${path}`, method, cookie, body)).json()) as Body;
  const sessionOpen = async ({ title, ...more }: WorkshopAsk) => {
    // A small machine that is busy with other things: its limits are not those of a class.
    const limits = { cpu_max_percent: 300, memory_max_percent: 300, storage_max_percent: 300 };
    await send("PUT", "settings", { settings: { ...limits, images: images() } });
    const workshop = await send<{ id: string }>("POST", "workshops", {
      title,
      ...more,
      preset: "small",
      duration_minutes: 60,
      extension_minutes: 30,
      deadline_minutes: 120,
    });
    const now_ms = Date.now();
    return send<WorkshopSession>("POST", "workshop-sessions", {
      workshop_id: workshop.id,
      name: title,
      starts_at: new Date(now_ms - 1_000).toISOString(),
      ends_at: new Date(now_ms + 3 * 3_600_000).toISOString(),
      seats: 4,
    });
  };
  const sessionFind = (id: string) => send<WorkshopSession>("GET", `workshop-sessions/${id}`);
  const sessionEnd = async (id: string) => {
    await send("POST", `workshop-sessions/${id}/end`, {});
    const deadline_ms = Date.now() + DEADLINE_MS;
    // Until nothing of it is left on the cluster, which others use next.
    for (;;) {
      const { state } = await sessionFind(id);
      if (state === "ended") return;
      if (Date.now() > deadline_ms) throw new Error(`the session is still ${state}`);
      await setTimeout(POLL_MS);
    }
  };
  return { cookie, connect, connectSilent, list, sessionOpen, sessionFind, sessionEnd, fleet };
}

/**
 * A NALABO of one's own: the real binary, a private PostgreSQL in a temporary folder, a free port.
 *
 * Promises: ready when it returns; gone with its folder after `stop`, and also when the tests are
 * killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { program } from "./lab";

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 25_000;

export interface Server {
  url: string;
  /** The one-time link that it printed, as nobody has an account yet. */
  setupLink: string;
  /** What it wrote so far. */
  log: string[];
  stop: () => Promise<void>;
}

export async function serverStart(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "nalabo-journeys-"));
  const log: string[] = [];
  const child = spawn("setpriv", ["--pdeathsig", "TERM", program("nalabo"), "serve"], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NALABO_DATA_DIR: folder,
      NALABO_LISTEN: "127.0.0.1:0",
      // Where kubectl of participants arrives; it goes to https only.
      NALABO_KUBE_LISTEN: `127.0.0.1:${await portFree()}`,
      NALABO_ALLOW_NETWORKS: "127.0.0.0/8",
      // So that a cluster that is cut off is noticed within seconds.
      NALABO_PROBE_INTERVAL_SECONDS: "1",
      NALABO_CHECK_INTERVAL_SECONDS: "30",
      NO_COLOR: "1",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const stop = async () => {
    await childStop(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { url, setupLink } = await childReady(child, log);
    return { url, setupLink, log, stop };
  } catch (error) {
    await stop();
    throw new Error(`NALABO did not start: ${error}\n${log.join("\n")}`);
  }
}

/** A port that nobody has at this moment. */
function portFree(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer().once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found(port));
    });
  });
}

function childReady(child: ChildProcess, log: string[]): Promise<{ url: string; setupLink: string }> {
  return new Promise((ready, failed) => {
    const late = setTimeout(() => failed(new Error("not ready in time")), START_DEADLINE_MS);
    let setupLink = "";
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`it ended with code ${code}`)));
    if (!child.stderr) return;
    createInterface(child.stderr).on("line", (line) => {
      log.push(line);
      setupLink ||= line.match(/http:\S+\/setup#token=\S+/)?.[0] ?? "";
      const url = line.match(/NALABO listens on (http:\S+)/)?.[1];
      if (!url) return;
      clearTimeout(late);
      ready({ url, setupLink });
    });
  });
}

async function childStop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = new Promise((end) => child.once("exit", end));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
  await ended;
  clearTimeout(late);
}

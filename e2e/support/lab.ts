/**
 * The clusters of the lab that is running: real ones, broken and mended at will.
 *
 * Promises: says the command to run when there is no lab. Does not: start one.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = process.env.NALABO_LAB_DIR;
if (!folder) {
  throw new Error(
    "NALABO_LAB_DIR names no lab. Run `make e2e`, or beside `make lab`: " +
      "NALABO_LAB_DIR=$PWD/.lab npx playwright test",
  );
}
const lab = resolve(import.meta.dirname, "..", folder);

/** Where Cargo puts the programs of the project. */
export function program(name: string): string {
  const path = resolve(import.meta.dirname, "..", process.env.CARGO_TARGET_DIR ?? "../target", "debug", name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run cargo build -p ${name}`);
  return path;
}

const read = (file: string) => readFileSync(join(lab, file), "utf8");

/** `paris` is there always and is left alone; `lyon` has a real node and needs root. */
export type Cluster = "paris" | "lyon";
export const hasLyon = existsSync(join(lab, "lyon.kubeconfig"));
/** The one that may be cut off: no other file of tests looks at it. */
export const breakable: Cluster = hasLyon ? "lyon" : "paris";

/** An administrator's, whole in itself. */
export const kubeconfig = (cluster: Cluster) => read(`${cluster}.kubeconfig`);
/** The same with another port of the API server's address. */
export const onPort = (cluster: Cluster, port: number) =>
  kubeconfig(cluster).replace(/(server: https:\/\/[\d.]+):\d+/, `$1:${port}`);
/** The token of an account with few rights. */
export const token = (cluster: Cluster) => read(`${cluster}.token`).trim();
export const authority = (cluster: Cluster) => read(`${cluster}.ca.pem`);
export const endpoint = (cluster: Cluster) =>
  (JSON.parse(read(`${cluster}.json`)) as { endpoint: string }).endpoint;

/** What environments are made of on the real node of `lyon`, which fetches nothing from outside. */
export const images = (): unknown => JSON.parse(read("lyon.images.json"));

/** Breaks the road to a cluster from now on; `none` mends it. */
export function fault(cluster: Cluster, kind: "black-hole" | "refuse" | "none"): void {
  execFileSync(program("nalabo-lab"), ["fault", cluster, kind], {
    env: { ...process.env, NALABO_LAB_DIR: lab },
    timeout: 10_000,
    stdio: "pipe",
  });
}

/** Nodes in order, and what is wrong with them. Pure. */
import type { NodeRow } from "../api/types";
import { pressureOf, RESOURCES, type Resource, usageOf } from "./usage";

type NodeKey = "name" | "status" | "version" | "age" | Resource;
export type NodeSort = NodeKey | `-${NodeKey}`;

/** Whether somebody should look: not ready, under pressure, or 90 % full of something. */
export function isTroubled(node: NodeRow): boolean {
  return severityOf(node) > 0;
}

const FULL = 0.9;

function severityOf(node: NodeRow): number {
  if (!node.ready) return 3;
  if (node.pressures.length > 0) return 2;
  return RESOURCES.some((resource) => Math.round((usedShare(node, resource) ?? 0) * 100) >= FULL * 100)
    ? 1
    : 0;
}

function usedShare(node: NodeRow, resource: Resource): number | null {
  const usage = usageOf(resource, node);
  return usage && usage.used !== null ? pressureOf({ ...usage, requested: null }) : null;
}

const byName = (a: NodeRow, b: NodeRow) => a.name.localeCompare(b.name, undefined, { numeric: true });

function sortValue(node: NodeRow, key: NodeKey): number | string | null {
  switch (key) {
    case "name":
      return null;
    case "status":
      return severityOf(node);
    case "version":
      return node.kubelet_version;
    case "age":
      return node.created_at ? -Date.parse(node.created_at) : null;
    default:
      return pressureOf(usageOf(key, node));
  }
}

function compare(a: number | string | null, b: number | string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return typeof a === "number" && typeof b === "number"
    ? a - b
    : String(a).localeCompare(String(b), undefined, { numeric: true });
}

/** As asked; otherwise trouble first, then by name. What is not known comes last when sorted downwards. */
export function nodesInOrder(nodes: readonly NodeRow[], sort: NodeSort | undefined): NodeRow[] {
  const down = sort?.startsWith("-") ?? true;
  const key = (sort?.replace(/^-/, "") ?? "status") as NodeKey;
  const sign = down ? -1 : 1;
  return [...nodes].sort((a, b) =>
    key === "name"
      ? sign * byName(a, b)
      : sign * compare(sortValue(a, key), sortValue(b, key)) || byName(a, b),
  );
}

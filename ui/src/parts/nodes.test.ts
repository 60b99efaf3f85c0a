import { describe, expect, test } from "vitest";
import type { NodeRow } from "../api/types";
import { isTroubled, nodesInOrder } from "./nodes";

const node = (name: string, used_millicores: number | null, more: Partial<NodeRow> = {}): NodeRow => ({
  name,
  ready: true,
  unschedulable: false,
  roles: [],
  pressures: [],
  kubelet_version: "v1.35.2",
  os_image: "Debian",
  architecture: "amd64",
  created_at: null,
  cpu: {
    capacity_millicores: 1_000,
    allocatable_millicores: 1_000,
    requested_millicores: 100,
    limits_millicores: 0,
    used_millicores,
  },
  memory: { capacity_bytes: 10, allocatable_bytes: 10, requested_bytes: 1, limits_bytes: 0, used_bytes: 1 },
  storage: { capacity_bytes: 10, allocatable_bytes: 10, requested_bytes: 1, used_bytes: null },
  pods: { allocatable: 110, running: 5, total: 5 },
  ...more,
});
const names = (nodes: readonly NodeRow[]) => nodes.map((it) => it.name);
const nodes = [
  node("n10", 200),
  node("n2", 920),
  node("n1", null, { ready: false }),
  node("n3", 300, { pressures: ["DiskPressure"] }),
];

describe("nodes", () => {
  test("in trouble come first: not ready, under pressure, full; then by name, as people count", () => {
    expect(names(nodesInOrder([...nodes, node("n9", 100)], undefined))).toEqual([
      "n1",
      "n3",
      "n2",
      "n9",
      "n10",
    ]);
  });
  test("are sorted as asked, in either direction", () => {
    expect(names(nodesInOrder(nodes, "-cpu"))).toEqual(["n2", "n3", "n10", "n1"]);
    expect(names(nodesInOrder(nodes, "cpu"))).toEqual(["n1", "n10", "n3", "n2"]);
    expect(names(nodesInOrder(nodes, "-name"))).toEqual(["n10", "n3", "n2", "n1"]);
  });
  test("are in trouble from 90 % on, as shown", () => {
    expect([894, 895].map((used) => isTroubled(node("n", used)))).toEqual([false, true]);
  });
});

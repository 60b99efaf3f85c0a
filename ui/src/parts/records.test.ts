import { describe, expect, test } from "vitest";
import { ApiProblem, fieldErrors, problemFromResponse } from "../api/problem";
import { changesOf } from "./AuditPage";
import { labelsRead } from "./describe";
import { credentialDaysLeft } from "./InfrastructureRow";
import { tightestOf } from "./usage";

describe("labels", () => {
  test("are read as people write them", () => {
    expect(labelsRead(" team=cloud,room = 3,\n gpu, ")).toEqual({ team: "cloud", room: "3", gpu: "" });
  });
});

describe("an audit entry", () => {
  test("tells only what changed", () => {
    expect(changesOf({ mode: "enabled", name: "a" }, { mode: "cordoned", name: "a" })).toEqual([
      { field: "mode", from: "enabled", to: "cordoned" },
    ]);
    expect(changesOf(null, { labels: { a: 1 } })).toEqual([{ field: "labels", from: "—", to: '{"a":1}' }]);
    expect(
      changesOf({ source: { endpoint: "a", kind: "token" } }, { source: { endpoint: "b", kind: "token" } }),
    ).toEqual([{ field: "source.endpoint", from: "a", to: "b" }]);
  });
});

describe("a credential", () => {
  const now_ms = Date.parse("2026-11-22T00:00:00Z");
  const credential = (expires_at: string | null, renewed = false) =>
    ({ kind: "token", fingerprint: "a1b2", subject: null, expires_at, renewed }) as const;
  test("is mentioned when it ends within thirty days, unless NALABO renews it", () => {
    expect(credentialDaysLeft(credential("2026-12-04T12:00:00Z"), now_ms)).toBe(12);
    expect(credentialDaysLeft(credential("2026-11-21T12:00:00Z"), now_ms)).toBe(-1);
    expect(credentialDaysLeft(credential("2027-12-04T12:00:00Z"), now_ms)).toBeNull();
    expect(credentialDaysLeft(credential("2026-12-04T12:00:00Z", true), now_ms)).toBeNull();
    expect(credentialDaysLeft(credential(null), now_ms)).toBeNull();
  });
});

describe("pressure", () => {
  test("is that of the tightest resource, requested or used", () => {
    const cpu = {
      capacity_millicores: 0,
      allocatable_millicores: 100,
      limits_millicores: 0,
      requested_millicores: 118,
      used_millicores: 62,
    };
    const pods = { allocatable: 100, running: 90, total: 95 };
    expect(tightestOf({ cpu, pods })).toEqual({ resource: "cpu", share: 1.18 });
    expect(tightestOf({ pods })).toEqual({ resource: "pods", share: 0.9 });
    expect(tightestOf({})).toBeNull();
  });
});

describe("a refusal", () => {
  test("puts each error on the field its pointer names", () => {
    const problem = new ApiProblem(422, {
      code: "invalid",
      errors: [{ pointer: "#/source/kubeconfig", code: "kubeconfig_exec", detail: "uses exec" }],
    });
    expect(fieldErrors(problem)).toEqual({
      "source.kubeconfig": { code: "kubeconfig_exec", detail: "uses exec" },
    });
  });
  test("a proxy's page instead of an answer is still a problem with a status", async () => {
    const problem = await problemFromResponse(new Response("<html>Bad gateway</html>", { status: 502 }));
    expect([problem.status, problem.code]).toEqual([502, "unexpected_answer"]);
  });
});

import { describe, expect, test } from "vitest";
import type { ParsedContext, TestReport } from "../api/types";
import {
  chosenOf,
  keptOf,
  nameSuggest,
  runningOf,
  WIZARD_BEGUN,
  type WizardAction,
  type WizardState,
  wizardReduce,
} from "./wizard";

const context = (name: string, usable = true): ParsedContext => ({
  name,
  server: "https://10.0.0.1:6443",
  user: "admin",
  credential_kind: "token",
  credential_expires_at: null,
  tls_server_name: null,
  is_current: false,
  usable,
  problems: [],
});
const report = (passed: boolean): TestReport => ({ passed, overpowered: false, duration_ms: 1, stages: [] });
const play = (...actions: WizardAction[]): WizardState => actions.reduce(wizardReduce, WIZARD_BEGUN);
const read: WizardAction = {
  type: "contexts-read",
  contexts: [context("paris"), context("admin@lyon"), context("eks", false)],
};
const begun: WizardAction = { type: "test-begun", keys: ["paris", "admin@lyon"], now_ms: 0 };
const reported = (key: string, passed: boolean): WizardAction => ({
  type: "test-event",
  key,
  event: { type: "reported", report: report(passed) },
});
const keys = (list: readonly { key: string }[]) => list.map((it) => it.key);

describe("choosing", () => {
  test("all contexts that can be used are chosen; one that cannot be used cannot be chosen", () => {
    expect(keys(chosenOf(play(read)))).toEqual(["paris", "admin@lyon"]);
    expect(keys(chosenOf(play(read, { type: "chosen", key: "eks", chosen: true })))).toEqual([
      "paris",
      "admin@lyon",
    ]);
  });
  test("of many, only the current one is chosen", () => {
    const contexts = ["a", "b", "c", "d"].map((name) => ({ ...context(name), is_current: name === "c" }));
    expect(keys(chosenOf(play({ type: "contexts-read", contexts })))).toEqual(["c"]);
  });
  test("the name that is offered is that of the cluster, not of the user", () => {
    expect(nameSuggest("admin@lyon")).toBe("lyon");
    expect(nameSuggest("paris")).toBe("paris");
    expect(nameSuggest("odd@")).toBe("odd@");
  });
});

describe("testing", () => {
  test("each runs on its own; only what passed is kept", () => {
    const state = play(read, begun, reported("paris", true));
    expect(keys(runningOf(state))).toEqual(["admin@lyon"]);
    expect(keys(keptOf(wizardReduce(state, reported("admin@lyon", false))))).toEqual(["paris"]);
  });
  test("what failed is kept on purpose, and a retry takes that back", () => {
    const failed = play(read, begun, reported("paris", false), {
      type: "anyway",
      key: "paris",
      anyway: true,
    });
    expect(keys(keptOf(failed))).toEqual(["paris"]);
    expect(keptOf(wizardReduce(failed, { type: "test-begun", keys: ["paris"], now_ms: 1 }))).toEqual([]);
  });
  test("a result for what is no longer there changes nothing", () => {
    const state = play(read, begun);
    expect(wizardReduce(state, reported("gone", true))).toEqual(state);
  });
});

describe("going back", () => {
  test("what was typed is still there when the same kubeconfig is pasted again", () => {
    const typed = { name: "Paris 3", description: "", environment: "lab", region: "", labels: "" } as const;
    const state = play(
      read,
      begun,
      reported("paris", true),
      { type: "described", key: "paris", change: { describe: typed } },
      { type: "step", step: "source" },
      read,
    );
    expect(state.candidates[0]?.describe).toEqual(typed);
    expect(state.candidates[0]?.run).toBeNull();
  });
  test("there is one default: choosing it here takes it away there", () => {
    const state = play(
      read,
      { type: "described", key: "paris", change: { isDefault: true } },
      { type: "described", key: "admin@lyon", change: { isDefault: true } },
      { type: "described", key: "paris", change: { narrow: false } },
    );
    expect(state.candidates.map((it) => it.isDefault)).toEqual([false, true, false]);
  });
});

import { describe, expect, it } from "vitest";
import type { AlertRule } from "../api/types";
import { quietUntil } from "./AcknowledgeForm";
import { channelBody } from "./ChannelDialog";
import { ruleBody } from "./RuleDialog";
import { localMoment, windowBody, windowForm } from "./window";

const now = new Date(2026, 10, 3, 22, 15);

describe("who takes an alert chooses how long it may be quiet", () => {
  it("an hour, four, until tomorrow morning, or until it is over", () => {
    expect(quietUntil("hour", now)).toBe(new Date(2026, 10, 3, 23, 15).toISOString());
    expect(quietUntil("four_hours", now)).toBe(new Date(2026, 10, 4, 2, 15).toISOString());
    expect(quietUntil("tomorrow", now)).toBe(new Date(2026, 10, 4, 9, 0).toISOString());
    expect(quietUntil("over", now)).toBeNull();
  });
});

describe("a channel", () => {
  const form = {
    name: " #platform ",
    enabled: true,
    min_severity: "warning",
    language: "fr",
    every_rule: true,
    rules: [],
    format: "standard",
    url: "",
    secret: "",
    remove_secret: false,
    to: "ana@example.org, tom@example.org;mei@example.org",
  } as const;

  it("keeps its address and key when their fields stay empty", () => {
    const body = channelBody("webhook", { ...form, rules: [] });
    expect(body.name).toBe("#platform");
    expect(body.webhook).toEqual({ format: "standard", url: null, secret: null, remove_secret: false });
    expect([body.mail, body.rules]).toEqual([null, null]);
  });

  it("takes addresses however they are separated", () => {
    const body = channelBody("mail", { ...form, rules: ["disconnected"], every_rule: false });
    expect(body.mail?.to).toEqual(["ana@example.org", "tom@example.org", "mei@example.org"]);
    expect([body.webhook, body.rules]).toEqual([null, ["disconnected"]]);
  });
});

describe("a rule", () => {
  const rule: AlertRule = {
    kind: "memory_high",
    enabled: true,
    severity: "warning",
    threshold_percent: 90,
    clear_percent: 85,
    for_seconds: 300,
    days: null,
    changes_per_hour: null,
    overrides: [],
    updated_at: now.toISOString(),
    revision: 7,
  };

  it("is written with minutes and commas, and kept in seconds and numbers", () => {
    const body = ruleBody(rule, {
      enabled: true,
      severity: "critical",
      threshold_percent: "92,5",
      clear_percent: "85",
      for_minutes: "2.5",
      days: "",
      changes_per_hour: "",
      overrides: [
        {
          id: "",
          infrastructure_id: "",
          labels: "team=platform",
          enabled: false,
          threshold_percent: "",
          for_minutes: "",
        },
      ],
    });
    expect(body).toMatchObject({ threshold_percent: 92.5, clear_percent: 85, for_seconds: 150, revision: 7 });
    expect([body.days, body.changes_per_hour]).toEqual([null, null]);
    expect(body.overrides).toEqual([
      {
        id: null,
        infrastructure_id: null,
        label_selector: { team: "platform" },
        enabled: false,
        threshold_percent: null,
        for_seconds: null,
      },
    ]);
  });
});

describe("a maintenance window", () => {
  it("is planned on the reader's own clock", () => {
    expect(localMoment(now)).toBe("2026-11-03T22:15");
    const body = windowBody({ ...windowForm(undefined, now), name: "upgrade" });
    expect(body.schedule).toEqual({
      kind: "once",
      starts_at: now.toISOString(),
      ends_at: new Date(2026, 10, 4, 0, 15).toISOString(),
    });
    expect(body.scope).toEqual({ all: true, infrastructure_ids: [], label_selector: {} });
  });

  it("keeps only the scope that was chosen", () => {
    const form = { ...windowForm(undefined, now), infrastructure_ids: ["a"], labels: "site=paris" };
    expect(windowBody({ ...form, scope: "labels" }).scope).toEqual({
      all: false,
      infrastructure_ids: [],
      label_selector: { site: "paris" },
    });
    expect(windowBody({ ...form, scope: "some" }).scope.infrastructure_ids).toEqual(["a"]);
  });
});

import { renderHook } from "@testing-library/react";
import { createElement, type ReactNode } from "react";
import { IntlProvider } from "react-intl";
import { describe, expect, test } from "vitest";
import type { Rejection, Seat, Workshop, WorkshopSession } from "../../api/workshops";
import en from "../../i18n/en.json";
import fr from "../../i18n/fr.json";
import { settingsBody, settingsField, settingsForm } from "../settings/settingsForm";
import { useRejectionText } from "./rejectionText";
import { seatShown } from "./SeatsSection";
import { countRead, endMoved, poolFor, sessionBody, sessionForm } from "./sessionForm";
import { attentionOrder, countdownOf, needsAttention, seatKind, sessionGroups } from "./words";
import {
  minutesRead,
  parametersFill,
  parametersMissing,
  parametersRead,
  workshopBody,
  workshopField,
  workshopForm,
} from "./workshopForm";

const NOW = Date.parse("2026-03-02T10:00:00Z");
const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

const seat = (change: Partial<Seat> = {}): Seat => ({
  id: String(change.number ?? 1),
  number: 1,
  name: "Amina",
  email: null,
  key: "K7P2M-X4TQZ",
  state: "ready",
  reason: null,
  detail: null,
  step: null,
  environment_id: "e",
  infrastructure_id: "i",
  infrastructure_name: "paris",
  infrastructure_state: "healthy",
  joined_at: at(-60),
  claimed_at: at(-60),
  expires_at: at(60),
  last_seen_at: at(0),
  help_requested_at: null,
  help_text: null,
  message: null,
  attempts: 1,
  ...change,
});

describe("a seat", () => {
  test("is in use once somebody took what is ready, and ready before", () => {
    expect(seatKind(seat())).toBe("in_use");
    expect(seatKind(seat({ claimed_at: null }))).toBe("ready");
    expect(seatKind(seat({ state: "paused" }))).toBe("paused");
  });
  test("wants a look when its person asks, it failed, or it waits; a calm one does not", () => {
    expect(needsAttention(seat())).toBe(false);
    expect(needsAttention(seat({ help_requested_at: at(-1) }))).toBe(true);
    expect(needsAttention(seat({ state: "failed" }))).toBe(true);
    expect(needsAttention(seat({ state: "waiting" }))).toBe(true);
  });
  test("who asked first stands first, before what failed and what waits", () => {
    const seats = [
      seat({ number: 1, state: "waiting" }),
      seat({ number: 2, state: "failed" }),
      seat({ number: 3, help_requested_at: at(-1) }),
      seat({ number: 4, help_requested_at: at(-9) }),
      seat({ number: 5 }),
      seat({ number: 0, state: "failed" }),
    ];
    expect(attentionOrder(seats).map((it) => it.number)).toEqual([4, 3, 0, 2, 1]);
  });
  test("is found by name, number, address and infrastructure, within its kind", () => {
    const it = seat({ number: 7, name: "Zoé Q.", email: "zoe@example.org" });
    for (const q of ["zoé", "7", "example", "PARIS"]) expect(seatShown(it, { q })).toBe(true);
    expect(seatShown(it, { q: "lyon" })).toBe(false);
    expect(seatShown(it, { show: "in_use" })).toBe(true);
    expect(seatShown(it, { show: "ready" })).toBe(false);
    expect(seatShown(it, { show: "attention" })).toBe(false);
  });
});

test("a countdown is amber under half an hour, red under ten minutes, and never below nothing", () => {
  expect(countdownOf(at(31), NOW)).toEqual({ seconds: 1_860, level: "calm" });
  expect(countdownOf(at(30), NOW).level).toBe("soon");
  expect(countdownOf(at(10), NOW).level).toBe("last");
  expect(countdownOf(at(-5), NOW)).toEqual({ seconds: 0, level: "over" });
});

test("sessions stand as now, soon and past; the next and the last one first", () => {
  const session = (id: string, state: WorkshopSession["state"], starts_at: string) =>
    ({ id, state, starts_at }) as WorkshopSession;
  const groups = sessionGroups([
    session("a", "ended", at(-9_000)),
    session("b", "ended", at(-3_000)),
    session("c", "scheduled", at(900)),
    session("d", "scheduled", at(300)),
    session("e", "closing", at(-300)),
    session("f", "warming", at(20)),
  ]);
  expect(groups.past.map((it) => it.id)).toEqual(["b", "a"]);
  expect(groups.soon.map((it) => it.id)).toEqual(["d", "c"]);
  expect(groups.now.map((it) => it.id)).toEqual(["e", "f"]);
});

describe("the form of a workshop", () => {
  test("says what was typed, and nothing that its kind cannot have", () => {
    const form = {
      ...workshopForm(),
      driver: "namespace" as const,
      persistent: true,
      duration_minutes: "90",
      extension_minutes: "",
      selector: "training=yes, room",
      kubernetes_version: " ",
      parameters: "registry = r.example.org/a=b\n\nroom=3\nempty",
      instructions_en: "# Hi",
    };
    expect(workshopBody(form)).toMatchObject({
      persistent: false,
      duration_minutes: 90,
      extension_minutes: 0,
      selector: { training: "yes", room: "" },
      kubernetes_version: null,
      parameters: { registry: "r.example.org/a=b", room: "3", empty: "" },
      instructions: { en: "# Hi", fr: null },
    });
    expect(minutesRead("x")).toBe(0);
  });
  test("opens with what is kept, and sends the same again", () => {
    const kept = {
      title: "Pods",
      summary: "",
      driver: "vcluster",
      preset: "medium",
      duration_minutes: 60,
      extension_minutes: 15,
      deadline_minutes: 120,
      selector: { site: "paris" },
      kubernetes_version: "v1.35.0",
      persistent: true,
      internet: true,
      parameters: { a: "1", b: "2" },
      instructions: { en: null, fr: "Bonjour" },
    };
    expect(workshopBody(workshopForm(kept as unknown as Workshop))).toEqual(kept);
  });
  test("fills slots as participants will read them, and names those that stay empty", () => {
    const parameters = parametersRead("room = 3");
    expect(parametersFill("{{room}} {{ room }} {{other}} {{constructor}}", parameters)).toBe(
      "3 3 {{other}} {{constructor}}",
    );
    expect(parametersMissing("{{room}} {{other}} {{other}} {{toString}}", parameters)).toEqual([
      "other",
      "toString",
    ]);
  });
  test("finds its field for what the server refuses", () => {
    expect(workshopField("instructions.fr")).toBe("instructions_fr");
    expect(workshopField("selector.a/b")).toBe("selector");
    expect(workshopField("moon")).toBeUndefined();
  });
});

describe("the form of a session", () => {
  const begin = { workshop_id: "w", title: "Pods", duration_minutes: 240 };
  test("begins at a full hour with time to get ready, and lasts as long as the workshop", () => {
    const form = sessionForm(undefined, begin, new Date(2026, 2, 2, 9, 40));
    expect(form).toMatchObject({ starts_at: "2026-03-02T11:00", ends_at: "2026-03-02T15:00", name: "Pods" });
    expect(form.pool_initial).toBe("15");
    expect(poolFor(1)).toBe(1);
  });
  test("an untouched moment is sent as it came, with its seconds", () => {
    const it = {
      ...sessionBody(sessionForm(undefined, begin, new Date(NOW))),
      starts_at: "2026-03-02T10:00:42Z",
      ready_by: null,
      trainers: ["t"],
    } as WorkshopSession;
    const body = sessionBody(sessionForm(it, begin, new Date(NOW)), it);
    expect(body.starts_at).toBe("2026-03-02T10:00:42Z");
    expect(body.ready_by).toBeNull();
    expect(body.trainers).toEqual(["t"]);
  });
  test("the end moves with the start, and a half-typed date moves nothing", () => {
    const before = { starts_at: "2026-03-02T09:00", ends_at: "2026-03-02T12:30" };
    expect(endMoved(before, "2026-03-03T10:00")).toBe("2026-03-03T13:30");
    expect(endMoved(before, "")).toBe("2026-03-02T12:30");
  });
  test("a count is a whole number or none", () => {
    expect([
      countRead("12"),
      countRead(" 0 "),
      countRead(""),
      countRead("1.5"),
      countRead("-3"),
      countRead("x"),
    ]).toEqual([12, 0, null, null, null, null]);
  });
});

test("settings go out as they came in, and a refusal finds its field", () => {
  const view = {
    default_infrastructure_id: null,
    settings: {
      cpu_max_percent: 85.5,
      memory_max_percent: 85,
      storage_max_percent: 90,
      environments_max: 200,
      start_deadline_seconds: 300,
      attempts_max: 3,
      starts_at_once: 5,
      warm_up_minutes: 30,
      grace_seconds: 60,
      images: { vcluster: "a", kubernetes: "b:{version}", coredns: "c", terminal: "d" },
    },
  };
  expect(settingsBody(settingsForm(view))).toEqual(view);
  expect(settingsField("settings.images.terminal")).toBe("image_terminal");
  expect(settingsField("cpu_max_percent")).toBe("cpu_max_percent");
});

describe("why an infrastructure was not chosen", () => {
  const text = (language: "en" | "fr", it: Rejection) => {
    const wrapper = ({ children }: { children: ReactNode }) =>
      createElement(IntlProvider, { locale: language, messages: language === "en" ? en : fr }, children);
    return renderHook(() => useRejectionText(), { wrapper }).result.current(it);
  };
  test("is said with its figures, in both languages", () => {
    const full: Rejection = { code: "requested", resource: "memory", percent: 90.72, max_percent: 85 };
    expect(text("en", full)).toBe("memory would be requested to 90.7%, the limit is 85%");
    expect(text("fr", full)).toMatch(/^mémoire\s: demande portée à 90,7\s%, limite 85\s%$/u);
    expect(text("en", { code: "slots", taken: 27, max: 27 })).toBe("27 of 27 environments taken");
    expect(text("fr", { code: "state", state: "unreachable" })).toContain("Injoignable");
  });
  test("a reason that this console does not know is still said", () => {
    expect(text("en", { code: "full_moon" } as unknown as Rejection)).toBe("full moon");
  });
});

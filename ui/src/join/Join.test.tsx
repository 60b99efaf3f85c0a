import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { serverNow } from "../api/clock";
import { languageChoose } from "../i18n/language";
import { Join, phaseOf } from "./Join";
import type { PortalEnvironment, PortalView } from "./portal";
import { thisSeat } from "./seat";

// It draws on what only a browser has; the journeys open it there.
vi.mock("./terminal/Terminal", () => ({ default: () => null }));

const MINUTE = 60_000;
const at = (minutes: number) => new Date(serverNow() + minutes * MINUTE).toISOString();

function viewOf(environment: Partial<PortalEnvironment> | null, session: object = {}): PortalView {
  return {
    session: {
      name: "Day 1",
      title: "Kubernetes",
      starts_at: at(-60),
      ends_at: at(120),
      state: "open",
      message: null,
      ...session,
    },
    seat: { number: 7, name: "Ana", key: "K7P2MX4TQZ", message: null, help_requested_at: null },
    instructions: {},
    environment: environment && {
      id: "e",
      label: "e",
      state: "starting",
      reason: null,
      step: null,
      position: null,
      usual_seconds: null,
      started_at: at(-1),
      expires_at: null,
      extension: null,
      driver: "vcluster",
      kubernetes_version: null,
      namespace: "n",
      ...environment,
    },
    now: new Date().toISOString(),
  };
}

const faceOf = (more: object) => ({
  session_name: "Day 1",
  title: "Kubernetes",
  summary: "",
  starts_at: at(-60),
  ends_at: at(60),
  state: "open",
  access: "open",
  ...more,
});

/** What the server answers, by path. */
let answers: Record<string, () => Response> = {};
const asked: { path: string; body: unknown }[] = [];
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  answers = {};
  asked.length = 0;
  languageChoose("en");
  history.replaceState(null, "", "/join/K7P2MX4TQZ");
  vi.stubGlobal("matchMedia", () => ({ matches: true, addEventListener() {}, removeEventListener() {} }));
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const path = url.replace("/api/portal/", "");
    asked.push({ path, body: init.body ? JSON.parse(String(init.body)) : null });
    return answers[path]?.() ?? json({ code: "unauthenticated" }, 401);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  thisSeat.forget();
});

test("what is shown follows from the session and the environment", () => {
  expect(phaseOf(viewOf(null))).toBe("waiting");
  expect(phaseOf(viewOf({ state: "waiting" }))).toBe("waiting");
  expect(phaseOf(viewOf({ state: "ready" }))).toBe("ready");
  expect(phaseOf(viewOf({ state: "ready" }, { state: "closing" }))).toBe("ended");
  expect(phaseOf(viewOf({ state: "failed", reason: "quota" }))).toBe("failed");
  expect(phaseOf(viewOf({ state: "ending", reason: "expired" }))).toBe("ended");
  expect(phaseOf(viewOf({ state: "ending", reason: "restarted" })), "a new one is on its way").toBe(
    "waiting",
  );
});

test("a name is enough to enter an open session, and a refusal says what to do", async () => {
  answers["sessions/K7P2MX4TQZ"] = () => json(faceOf({}));
  answers.join = () => json({ code: "name_taken" }, 409);
  render(<Join />);
  thisSeat.ask();
  const name = await screen.findByLabelText("Your name");
  fireEvent.click(screen.getByRole("button", { name: "Enter" }));
  expect(screen.getByText("A name is missing.")).toBeTruthy();
  expect(
    asked.some((it) => it.path === "join"),
    "nothing is sent without a name",
  ).toBe(false);

  fireEvent.change(name, { target: { value: " Ana " } });
  fireEvent.click(screen.getByRole("button", { name: "Enter" }));
  expect((await screen.findByRole("alert")).textContent).toContain("come back with your key");

  answers.join = () => json(viewOf({ state: "waiting", position: 2 }));
  fireEvent.click(screen.getByRole("button", { name: "Enter" }));
  await screen.findByText("2 people are before you.");
  expect(asked.findLast((it) => it.path === "join")?.body).toEqual({ code: "K7P2MX4TQZ", name: "Ana" });
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Day 1");
});

test("a failure says why, what to do, and offers to try again", async () => {
  answers.restart = () => json(viewOf({ state: "waiting" }));
  render(<Join />);
  thisSeat.note(viewOf({ state: "failed", reason: "start_deadline" }));
  await screen.findByText("It was not ready in time.");
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("Your Kubernetes is being prepared.");
  expect(asked.filter((it) => it.path === "restart")).toHaveLength(1);
});

test("extending is offered when the server offers it, and says until when", async () => {
  const shown = (minutes: number, from: number) =>
    viewOf({
      state: "ready",
      expires_at: at(minutes),
      extension: { minutes: 30, from: at(from), until: at(120) },
    });
  answers.extend = () => json(shown(40, 30));
  render(<Join />);
  thisSeat.note(shown(10, 5));
  const early = await screen.findByRole("button", { name: /^Extend possible from \d\d:\d\d on$/ });
  expect(early.getAttribute("aria-disabled")).toBe("true");
  fireEvent.click(early);
  expect(
    asked.some((it) => it.path === "extend"),
    "it is not offered yet",
  ).toBe(false);

  thisSeat.note(shown(10, -1));
  await screen.findByText("Soon over: think of extending");
  fireEvent.click(screen.getByRole("button", { name: /^Extend until/ }));
  await waitFor(() => expect(screen.getByText(/^Extended: it now ends at/)).toBeTruthy());
});

test("who comes early is let in when it starts, without doing anything more", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  /** Time goes by, and what it brings about is drawn. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1_000) await act(() => vi.advanceTimersByTimeAsync(1_000));
  };
  try {
    const face = faceOf({ state: "scheduled", starts_at: at(0.5), access: "roster" });
    answers["sessions/K7P2MX4TQZ"] = () => json(face);
    answers.join = () => json({ code: "not_started" }, 409);
    render(<Join />);
    thisSeat.ask();
    fireEvent.change(await screen.findByLabelText("Your key"), { target: { value: "ab3de-fgh2k" } });
    fireEvent.click(screen.getByRole("button", { name: "Enter when it starts" }));
    await screen.findByText(/^Noted\. Leave this page open/);
    await pass(0.4 * MINUTE);
    const sent = () => asked.filter((it) => it.path === "join");
    expect(sent()).toHaveLength(0);

    // The clocks differ a little: the server says not yet, and is asked again.
    await pass(0.1 * MINUTE + 4_000);
    expect(sent().map((it) => it.body)).toEqual([{ code: "K7P2MX4TQZ", key: "AB3DEFGH2K" }]);
    answers.join = () => json(viewOf({ state: "waiting", position: 0 }));
    answers.me = answers.join;
    await pass(6_000);
    await screen.findByText("You are next.");
  } finally {
    vi.useRealTimers();
  }
});

test("a link to another session is not answered with the seat that this browser has", async () => {
  answers["sessions/K7P2MX4TQZ"] = () => json(faceOf({ session_name: "Day 2" }));
  render(<Join />);
  thisSeat.note(viewOf({ state: "paused" }, { code: "AB3DE-FGH2K" }));
  await waitFor(() => expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Day 2"));
  fireEvent.click(await screen.findByRole("button", { name: "Go on there" }));
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Day 1");
  expect(location.pathname).toBe("/join/AB3DEFGH2K");
});

test("leaving asks the server to forget this browser, and shows the way in again", async () => {
  answers["sessions/K7P2MX4TQZ"] = () => json(faceOf({}));
  answers.leave = () => new Response(null, { status: 204 });
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.open = true;
  };
  HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
    this.open = false;
  };
  render(<Join />);
  thisSeat.note(viewOf({ state: "paused" }));
  fireEvent.click(await screen.findByRole("button", { name: "My seat" }));
  fireEvent.click(screen.getByRole("button", { name: "Leave on this device" }));
  await screen.findByLabelText("Your name");
  expect(asked.some((it) => it.path === "leave")).toBe(true);
});

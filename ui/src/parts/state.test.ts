import { describe, expect, test } from "vitest";
import { inLanguage } from "../test/language";
import { groupCounts, isOld, STATES } from "./state";

describe("the words for a state", () => {
  test("are those of the field, in both languages, with icon and tone", () => {
    const said = Object.entries(STATES).map(
      ([state, it]) =>
        `${state}: ${inLanguage("en").t(it.word)} / ${inLanguage("fr").t(it.word)} (${it.icon}, ${it.tone})`,
    );
    expect(said).toEqual([
      "unreachable: Unreachable / Injoignable (plug, down)",
      "auth_failed: Auth failed / Authentification refusée (key, down)",
      "tls_error: TLS error / Erreur TLS (lock, down)",
      "degraded: Degraded / Dégradée (triangle, warn)",
      "forbidden: Forbidden / Droits insuffisants (shield, warn)",
      "stale: Stale / Données périmées (clock, idle)",
      "healthy: Healthy / Opérationnelle (check, ok)",
      "disabled: Disabled / Désactivée (pause, idle)",
    ]);
  });

  test("a refused credential counts as down, a missing right as degraded", () => {
    expect(
      groupCounts({ auth_failed: 1, unreachable: 2, forbidden: 1, degraded: 1, healthy: 5, stale: 1 }),
    ).toEqual({
      down: 3,
      degraded: 2,
      unknown: 1,
      up: 5,
      paused: 0,
    });
  });
});

describe("old figures", () => {
  const now_ms = Date.parse("2026-11-22T14:09:00Z");
  test("those of an infrastructure that does not answer are old at once", () => {
    expect(isOld("unreachable", "2026-11-22T14:08:59Z", now_ms)).toBe(true);
  });
  test("those of a healthy one are old after two intervals, never green for ever", () => {
    expect(isOld("healthy", "2026-11-22T14:04:00Z", now_ms)).toBe(false);
    expect(isOld("healthy", "2026-11-22T13:57:59Z", now_ms)).toBe(true);
  });
});

import { describe, expect, test } from "vitest";
import { inLanguage } from "../test/language";
import { fleetAnswer } from "./answer";

const CASES: [Record<string, number>, string, string][] = [
  [{}, "No infrastructure is connected yet.", "Aucune infrastructure n’est encore connectée."],
  [{ healthy: 1 }, "The infrastructure is healthy.", "L’infrastructure est opérationnelle."],
  [
    { healthy: 12 },
    "All 12 infrastructures are healthy.",
    "Les 12 infrastructures sont toutes opérationnelles.",
  ],
  [
    { healthy: 9, unreachable: 1, degraded: 2 },
    "1 infrastructure is unreachable and 2 are degraded.",
    "1 infrastructure est injoignable et 2 sont dégradées.",
  ],
  [
    { healthy: 9, unreachable: 2, auth_failed: 1, forbidden: 1 },
    "3 infrastructures are down and 1 is degraded.",
    "3 infrastructures sont en panne et 1 est dégradée.",
  ],
  [
    { healthy: 1, unreachable: 2 },
    "2 infrastructures are unreachable.",
    "2 infrastructures sont injoignables.",
  ],
  [{ healthy: 1, tls_error: 1 }, "1 infrastructure is down.", "1 infrastructure est en panne."],
  [{ healthy: 1, degraded: 1 }, "1 infrastructure is degraded.", "1 infrastructure est dégradée."],
  [
    { healthy: 3, stale: 1 },
    "The state of 1 infrastructure is not known at present.",
    "L’état de 1 infrastructure n’est pas connu actuellement.",
  ],
  [{ disabled: 2 }, "All 2 infrastructures are disabled.", "Les 2 infrastructures sont toutes désactivées."],
  [
    { healthy: 10, disabled: 2 },
    "All 10 watched infrastructures are healthy; 2 are disabled.",
    "Les 10 infrastructures suivies sont toutes opérationnelles\u202f; 2 sont désactivées.",
  ],
];

describe("the sentence at the top of the overview", () => {
  test.each(CASES)("%j", (byState, english, french) => {
    expect(fleetAnswer(inLanguage("en").t, byState)).toBe(english);
    expect(fleetAnswer(inLanguage("fr").t, byState)).toBe(french);
  });
});

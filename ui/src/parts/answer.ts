/** The sentence at the top of the overview: is everything all right, and if not, what first? */
import type { Text } from "../i18n/text";
import { type GroupCounts, groupCounts } from "./state";

/** One whole sentence for the fleet. Every case has its own key, so that each reads well in each language. */
export function fleetAnswer(t: Text, byState: Partial<Record<string, number>>): string {
  const n: GroupCounts = groupCounts(byState);
  const unreachable = byState.unreachable ?? 0;
  const watched = n.down + n.degraded + n.unknown + n.up;

  if (watched === 0) return n.paused === 0 ? t("answer.none") : t("answer.paused", { paused: n.paused });
  if (n.down > 0) {
    // When every one that is down is unreachable, the exact word says more than "down".
    const exact = unreachable === n.down;
    if (n.degraded > 0) {
      const slots = { down: n.down, degraded: n.degraded };
      return exact ? t("answer.unreachable_degraded", slots) : t("answer.down_degraded", slots);
    }
    return exact ? t("answer.unreachable", { down: n.down }) : t("answer.down", { down: n.down });
  }
  if (n.degraded > 0) return t("answer.degraded", { degraded: n.degraded });
  if (n.unknown > 0) return t("answer.unknown", { unknown: n.unknown });
  if (n.paused > 0) return t("answer.healthy_paused", { healthy: n.up, paused: n.paused });
  return t("answer.healthy", { healthy: n.up });
}

/** From states to the trace: how bad each slot of a day was. */
import type { InfrastructureState } from "../../api/types";
import type { Beat } from "../../ui/HeartbeatStrip";
import { STATES } from "../state";

/** Nothing known and a late check of ours look alike: there was no check. */
export function beatOf(state: InfrastructureState | null | undefined): Beat {
  if (!state) return "none";
  const { group } = STATES[state];
  return group === "up"
    ? "ok"
    : group === "degraded"
      ? "warn"
      : group === "down"
        ? "down"
        : group === "paused"
          ? "off"
          : "none";
}

interface StateSpan {
  from: string;
  until?: string | null;
  state: InfrastructureState | null;
}

const ORDER: readonly Beat[] = ["none", "off", "ok", "warn", "down"];
const worse = (a: Beat, b: Beat) => (ORDER.indexOf(b) > ORDER.indexOf(a) ? b : a);

/** Slots of equal length from the first span to the last, each as bad as the worst within it. */
export function beatsOf(
  spans: readonly StateSpan[],
  from_ms: number,
  until_ms: number,
  slots: number,
): Beat[] {
  const beats = new Array<Beat>(slots).fill("none");
  const length_ms = (until_ms - from_ms) / slots;
  for (const span of spans) {
    const [start, end] = [Date.parse(span.from), span.until ? Date.parse(span.until) : until_ms];
    const first = Math.max(0, Math.floor((start - from_ms) / length_ms));
    const last = Math.min(slots - 1, Math.ceil((end - from_ms) / length_ms) - 1);
    for (let slot = first; slot <= last; slot++) {
      beats[slot] = worse(beats[slot] ?? "none", beatOf(span.state));
    }
  }
  return beats;
}

export interface Outage {
  from_ms: number;
  until_ms: number;
}

/** Times of being down, those that follow each other taken together. */
export function outagesOf(spans: readonly StateSpan[], until_ms: number): Outage[] {
  const outages: Outage[] = [];
  for (const { from, until, state } of spans) {
    if (beatOf(state) !== "down") continue;
    const [start, end] = [Date.parse(from), until ? Date.parse(until) : until_ms];
    const before = outages.at(-1);
    if (before && start <= before.until_ms) before.until_ms = Math.max(before.until_ms, end);
    else outages.push({ from_ms: start, until_ms: end });
  }
  return outages;
}

import type { InfrastructureState } from "../../api/types";
import { useText } from "../../i18n/text";
import { type Beat, HeartbeatStrip } from "../../ui/HeartbeatStrip";
import { beatOf } from "./beats";

/** Slots of a day as the API gives them in lists. */
export type Strip = readonly (InfrastructureState | null)[];

const count = (beats: readonly Beat[], beat: Beat) => beats.filter((it) => it === beat).length;

/** A day in a row of a list: half hours, each as bad as its worst check. */
export function StateStrip({ strip, most }: { strip: Strip | null | undefined; most?: number }) {
  const t = useText();
  if (!strip || strip.length === 0) return <>—</>;
  const beats = strip.map(beatOf);
  const [down, warn, none] = [count(beats, "down"), count(beats, "warn"), count(beats, "none")];
  const label = t("strip.day", { down, warn, none, slots: beats.length });
  return <HeartbeatStrip beats={beats} label={label} {...(most === undefined ? {} : { most })} />;
}

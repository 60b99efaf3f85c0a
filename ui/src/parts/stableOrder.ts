/**
 * Rows that stay where they are while their cells change.
 *
 * Promises: as long as `key` is the same, known rows keep their place, new ones wait and gone ones
 * leave; the reader is told how many would move. Does not: sort; the server does.
 */
import { useCallback, useMemo, useState } from "react";

interface Row {
  id: string;
}

/** The length of the longest run of `places` that already stands in order: those need not move. */
function inOrder(places: readonly number[]): number {
  const tails: number[] = [];
  for (const place of places) {
    const at = tails.findIndex((it) => it >= place);
    if (at < 0) tails.push(place);
    else tails[at] = place;
  }
  return tails.length;
}

/** `latest` in the order of `shown`, and how many rows are new or would move. */
export function orderKeep<It extends Row>(shown: readonly string[], latest: readonly It[]) {
  const byId = new Map(latest.map((it, place) => [it.id, { it, place }]));
  const kept = shown.flatMap((id) => byId.get(id) ?? []);
  const waiting = latest.length - inOrder(kept.map(({ place }) => place));
  return { rows: kept.map(({ it }) => it), waiting };
}

export function useStableOrder<It extends Row>(latest: readonly It[], key: string) {
  const [order, setOrder] = useState<{ key: string; ids: readonly string[] }>({ key: "", ids: [] });
  // Another filter, or the first rows: nothing on screen can jump, so the new order is taken.
  const taken = order.key === key && order.ids.length > 0 ? order : { key, ids: latest.map((it) => it.id) };
  if (taken !== order && taken.ids.length > 0) setOrder(taken);
  const reorder = useCallback(() => setOrder({ key: "", ids: [] }), []);
  const kept = useMemo(() => orderKeep(taken.ids, latest), [taken.ids, latest]);
  return { ...kept, reorder };
}

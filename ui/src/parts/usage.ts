/**
 * How full something is: used and requested, both against allocatable.
 *
 * Promises: one formula for row, page and fleet; a share is unknown when its parts are. Does not:
 * clip; more than 100 % is real and is drawn as such.
 */
import type { Inventory } from "../api/types";

export const RESOURCES = ["cpu", "memory", "storage", "pods"] as const;
export type Resource = (typeof RESOURCES)[number];

export interface Usage {
  used: number | null;
  requested: number | null;
  allocatable: number;
}

type Figures = { [Kind in Resource]?: Inventory[Kind] | null };

/** The three figures of one resource, or nothing when it could not be read. */
export function usageOf(resource: Resource, figures: Figures | null | undefined): Usage | null {
  switch (resource) {
    case "cpu": {
      const it = figures?.cpu;
      if (!it) return null;
      return {
        used: it.used_millicores ?? null,
        requested: it.requested_millicores,
        allocatable: it.allocatable_millicores,
      };
    }
    case "memory":
    case "storage": {
      const it = figures?.[resource];
      if (!it) return null;
      return {
        used: it.used_bytes ?? null,
        requested: it.requested_bytes,
        allocatable: it.allocatable_bytes,
      };
    }
    case "pods": {
      const it = figures?.pods;
      return it ? { used: it.running, requested: null, allocatable: it.allocatable } : null;
    }
  }
}

/** A part of allocatable; unknown when either is. */
export function shareOf(part: number | null | undefined, allocatable: number): number | null {
  return part == null || allocatable <= 0 ? null : part / allocatable;
}

/** At 80 % it is named tight, at 90 % full. Compared as shown, so that "80 %" is never calm. */
export type Level = "calm" | "tight" | "full";
export function levelOf(share: number | null): Level {
  const percent = share == null ? 0 : Math.round(share * 100);
  return percent >= 90 ? "full" : percent >= 80 ? "tight" : "calm";
}

/** Used or requested, whichever is higher. */
export function pressureOf(usage: Usage | null): number | null {
  if (!usage) return null;
  const used = shareOf(usage.used, usage.allocatable);
  const requested = shareOf(usage.requested, usage.allocatable);
  return used == null && requested == null ? null : Math.max(used ?? 0, requested ?? 0);
}

/** The resource that runs out first. */
export function tightestOf(
  figures: Figures | null | undefined,
): { resource: Resource; share: number } | null {
  let tightest: { resource: Resource; share: number } | null = null;
  for (const resource of RESOURCES) {
    const share = pressureOf(usageOf(resource, figures));
    if (share != null && (!tightest || share > tightest.share)) tightest = { resource, share };
  }
  return tightest;
}

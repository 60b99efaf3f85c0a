/**
 * Whether somebody is at the page, told from the last key, click or turn of the wheel.
 *
 * A console that refreshes itself must not keep a forgotten tab signed in, so requests that nobody
 * caused say so. Promises: what follows a person's deed within {@link PRESENT_MS} counts as theirs.
 * Does not: watch what is done, nor tell anybody else.
 */
const PRESENT_MS = 10_000;
const DEEDS = ["pointerdown", "keydown", "wheel", "touchstart"] as const;

/** The server leaves the idle time of the session alone for requests that carry it. */
export const BACKGROUND_HEADER = "X-Nalabo-Background";

// Opening the page is a deed as well.
let lastDeed_ms = performance.now();
for (const deed of DEEDS) {
  globalThis.addEventListener?.(deed, () => (lastDeed_ms = performance.now()), {
    capture: true,
    passive: true,
  });
}

/** Whether a request that begins now was caused by nobody. */
export function isBackground(method: string): boolean {
  return method === "GET" && performance.now() - lastDeed_ms > PRESENT_MS;
}

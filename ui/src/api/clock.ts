/**
 * The server's clock, as far as the browser can tell it.
 *
 * A laptop that is minutes off would show "in 4 min" for a check that just ended. The `Date` header
 * of every answer gives the difference; under two seconds it is only the rounding of that header.
 */
const NOISE_MS = 2_000;
let offset_ms = 0;

/** Notes the `Date` header of an answer that has just arrived. */
export function clockOffsetNote(dateHeader: string | null): void {
  const server_ms = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
  if (Number.isNaN(server_ms)) return;
  const difference_ms = server_ms - Date.now();
  offset_ms = Math.abs(difference_ms) < NOISE_MS ? 0 : difference_ms;
}

/** Now, by the server's clock, in milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + offset_ms;
}

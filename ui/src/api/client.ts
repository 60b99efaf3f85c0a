/**
 * The one HTTP client of the console.
 *
 * Promises: same origin only, the header that writes need, one kind of rejection
 * ({@link ApiProblem}), and the server's clock for ages. Does not: retry; queries decide that.
 */
import createClient, { type Middleware } from "openapi-fetch";
import { clockOffsetNote } from "./clock";
import { ApiProblem, problemFromResponse } from "./problem";
import type { paths } from "./schema";

/** Proof that a write comes from the console and not from a form on another site. */
export const WRITE_HEADER = { "X-Requested-With": "nalabo" } as const;

const errorsAsProblems: Middleware = {
  async onResponse({ response }) {
    clockOffsetNote(response.headers.get("date"));
    if (!response.ok) throw await problemFromResponse(response);
  },
  onError() {
    return new ApiProblem(0, { code: "no_answer", title: "no answer from the server" });
  },
};

export const client = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "http://localhost",
  headers: WRITE_HEADER,
  credentials: "same-origin",
});
client.use(errorsAsProblems);

/** The body of an answer that must have one. */
export async function bodyOf<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new ApiProblem(0, { code: "unexpected_answer" });
  return data;
}

/**
 * The one HTTP client of the console.
 *
 * Promises: same origin only, the header that writes need, the one that says nobody asked, one kind of rejection
 * ({@link ApiProblem}), and the server's clock for ages. Does not: retry; queries decide that.
 */
import createClient, { type Middleware } from "openapi-fetch";
import { clockOffsetNote } from "./clock";
import { BACKGROUND_HEADER, isBackground } from "./presence";
import { ApiProblem, problemFromResponse } from "./problem";
import type { paths } from "./schema";

/** Proof that a write comes from the console and not from a form on another site. */
export const WRITE_HEADER = { "X-Requested-With": "nalabo" } as const;

const middleware: Middleware = {
  onRequest({ request }) {
    if (isBackground(request.method)) request.headers.set(BACKGROUND_HEADER, "1");
    return request;
  },
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
client.use(middleware);

/** The body of an answer that must have one. */
export async function bodyOf<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new ApiProblem(0, { code: "unexpected_answer" });
  return data;
}

/**
 * A refused or failed call, as the API tells it (`application/problem+json`).
 *
 * Promises: every call of the console rejects with an {@link ApiProblem} and nothing else; a server
 * that cannot be reached has the code `no_answer`. Does not: hold the request, which may carry a
 * credential.
 */
import type { ProblemBody } from "./types";

export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly status: number;
  readonly code: string;
  readonly body: Partial<ProblemBody>;

  constructor(status: number, body: Partial<ProblemBody>) {
    super(body.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? (status === 0 ? "no_answer" : "unexpected_answer");
    this.body = body;
  }
}

/** Whatever was thrown, as a problem. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem(0, { code: "no_answer", title: "no answer from the server" });
}

/** The problem in an answer that is not a success; a proxy's HTML page becomes a plain status. */
export async function problemFromResponse(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null);
  const isProblem = typeof body === "object" && body !== null && "code" in body;
  return new ApiProblem(response.status, isProblem ? (body as Partial<ProblemBody>) : {});
}

/** Messages by form field, taken from the pointers of a problem: `#/source/kubeconfig` → `source.kubeconfig`. */
export function fieldErrors(problem: ApiProblem): Record<string, { code?: string | null; detail: string }> {
  const errors = problem.body.errors ?? [];
  return Object.fromEntries(
    errors.map((it) => [
      it.pointer.replace(/^#?\//, "").replaceAll("/", "."),
      { code: it.code ?? null, detail: it.detail },
    ]),
  );
}

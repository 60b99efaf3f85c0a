import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiProblem } from "./problem";

/** How long an answer is good while no event says otherwise. */
const FRESH_MS = 15_000;
/** Ages and latencies change without an event; an open page asks again this often. */
const POLL_MS = 30_000;
const MOST_RETRIES = 2;

/** The cache of everything read. `onSignedOut` is called when the server no longer knows us. */
export function cacheCreate(onSignedOut: () => void): QueryClient {
  const check = (error: unknown) => {
    // A wrong password is a 401 as well, and no reason to leave the page.
    if (!(error instanceof ApiProblem) || error.code !== "unauthenticated") return;
    cache.removeQueries({ queryKey: ["auth", "me"] });
    onSignedOut();
  };
  const cache: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      // Who is asking is asked at the door of every page, which deals with the answer itself.
      onError: (error, { queryKey: [noun, view] }) => !(noun === "auth" && view === "me") && check(error),
    }),
    mutationCache: new MutationCache({ onError: check }),
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        refetchInterval: POLL_MS,
        // A refusal stays a refusal; only silence and trouble on the server are worth another try.
        retry: (failures, error) =>
          failures < MOST_RETRIES &&
          (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 500),
        retryDelay: (failure) => 500 * 2 ** failure,
      },
    },
  });
  return cache;
}

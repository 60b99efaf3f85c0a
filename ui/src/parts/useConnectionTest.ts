import { useCallback, useEffect, useRef, useState } from "react";
import { serverNow } from "../api/clock";
import { connectionTest, TEST_BEGUN, type TestRun, testReduce } from "../api/connectionTest";
import type { Source } from "../api/types";

export interface TimedRun extends TestRun {
  begun_ms: number;
}

/** One connection test at a time; a new one, or leaving the page, ends the one before. */
export function useConnectionTest(): {
  run: TimedRun | null;
  start: (target: { source: Source } | { id: string }) => Promise<TestRun>;
  clear: () => void;
} {
  const [run, setRun] = useState<TimedRun | null>(null);
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const start = useCallback(async (target: { source: Source } | { id: string }) => {
    stop.current?.abort();
    const mine = new AbortController();
    stop.current = mine;
    const begun_ms = serverNow();
    let state: TestRun = TEST_BEGUN;
    setRun({ ...state, begun_ms });
    await connectionTest(target, mine.signal, (event) => {
      state = testReduce(state, event);
      setRun({ ...state, begun_ms });
    });
    return state;
  }, []);
  const clear = useCallback(() => {
    stop.current?.abort();
    setRun(null);
  }, []);
  return { run, start, clear };
}

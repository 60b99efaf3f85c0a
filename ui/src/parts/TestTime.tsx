import { useEffect, useState } from "react";
import { serverNow } from "../api/clock";
import { TEST_LIMIT_SECONDS } from "../api/connectionTest";
import { useText } from "../i18n/text";

/** How much of the thirty seconds a test has used; stands still when it has ended. */
export function TestTime({ begun_ms, running }: { begun_ms: number; running: boolean }) {
  const t = useText();
  const [now_ms, setNow] = useState(serverNow);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(serverNow()), 200);
    return () => clearInterval(timer);
  }, [running]);
  const seconds = Math.max(0, (now_ms - begun_ms) / 1_000);
  return <span>{t("test.time", { seconds, limit: TEST_LIMIT_SECONDS })}</span>;
}

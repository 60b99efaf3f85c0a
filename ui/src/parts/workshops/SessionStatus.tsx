import type { SessionState } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Status } from "../../ui/Status";
import { SESSION_STATES } from "./words";

/** Where a session is in its life, as icon and word. */
export function SessionStatus({ state, pill = false }: { state: SessionState; pill?: boolean }) {
  const t = useText();
  const face = SESSION_STATES[state];
  return (
    <Status tone={face.tone} icon={face.icon} pill={pill}>
      {t(face.word)}
    </Status>
  );
}

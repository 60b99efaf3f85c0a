/**
 * Alerts as notifications of the browser, for whoever asked for them.
 *
 * Promises: asks for the right only when somebody presses the button; says each alert once; says
 * nothing while the page is in front of somebody. Does not: work when no tab is open; a channel does.
 */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { alertGroupList } from "../api/queries";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { useAlertDetail, useGroupTitle } from "./alertText";

const supported = () => typeof Notification !== "undefined";

/** The button that asks. Once answered, the browser's own settings are where it is changed. */
export function BrowserNotices() {
  const t = useText();
  const [right, setRight] = useState(supported() ? Notification.permission : "denied");
  if (!supported() || right !== "default") return null;
  return (
    <Button icon="bell" onClick={() => void Notification.requestPermission().then(setRight)}>
      {t("alert.browser_notices")}
    </Button>
  );
}

/** Tells of groups that were not there before. Drawn once, in the shell, for whoever allowed it. */
export default function BrowserNotifier() {
  const title = useGroupTitle();
  const detail = useAlertDetail();
  const groups = useQuery(alertGroupList()).data?.items;
  const seen = useRef<Set<string> | null>(null);
  useEffect(() => {
    if (!groups) return;
    const before = seen.current;
    seen.current = new Set(groups.map((it) => it.id));
    // The first answer is what was there already.
    if (!before || !supported() || Notification.permission !== "granted") return;
    if (document.visibilityState === "visible" && document.hasFocus()) return;
    for (const group of groups.filter((it) => !before.has(it.id) && it.open > 0)) {
      const [first] = group.alerts;
      const notice = new Notification(title(group), {
        body: first ? detail(first) : "",
        tag: group.id,
      });
      notice.onclick = () => {
        window.focus();
        window.location.assign(`/admin/alerts?group=${group.id}`);
      };
    }
  }, [groups, title, detail]);
  return null;
}

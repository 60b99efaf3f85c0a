import { lazy } from "react";
import { useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import { OnDemand } from "../ui/OnDemand";
import type { Tab } from "./AdminDashboard";

const load = () => import("./MoreMenu");
const MoreMenu = lazy(load);

/** The pages that do not fit at the bottom of a phone. */
export function MoreButton({ tabs, path }: { tabs: readonly Tab[]; path: string }) {
  const t = useText();
  const isHere = tabs.some(({ to }) => path === to || path.startsWith(`${to}/`));
  const button = (
    <button type="button" aria-current={isHere ? "true" : undefined}>
      <Icon name="more" size={20} />
      {t("tab.more")}
    </button>
  );
  return <OnDemand load={load} button={button} menu={<MoreMenu trigger={button} tabs={tabs} />} />;
}

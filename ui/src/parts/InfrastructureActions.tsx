import { lazy } from "react";
import type { Infrastructure } from "../api/types";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { OnDemand } from "../ui/OnDemand";
import type { OpenDialog } from "./InfrastructureDialogs";

const load = () => import("./InfrastructureMenu");
const InfrastructureMenu = lazy(load);

/** The button behind which stands everything that can be done to one infrastructure. */
export function InfrastructureActions({
  infrastructure,
  onOpen,
  onPage = false,
}: {
  infrastructure: Infrastructure;
  onOpen: (dialog: OpenDialog) => void;
  /** On its own page testing and cordoning have buttons of their own. */
  onPage?: boolean;
}) {
  const t = useText();
  const button = (
    <Button look={onPage ? "default" : "ghost"} size={onPage ? "m" : "s"} iconOnly icon="more">
      {t("action.more_for", { name: infrastructure.name })}
    </Button>
  );
  const menu = (
    <InfrastructureMenu infrastructure={infrastructure} onOpen={onOpen} onPage={onPage} trigger={button} />
  );
  return <OnDemand load={load} button={button} menu={menu} />;
}

import type { PlacementResource, Rejection } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { type TextKey, useText } from "../../i18n/text";
import { STATES } from "../state";

const RESOURCES: Record<PlacementResource, TextKey> = {
  cpu: "placement.cpu",
  memory: "placement.memory",
  pods: "placement.pods",
  storage: "placement.storage",
};

/** A resource as it stands in a sentence. */
export function usePlacementResource(): (resource: PlacementResource) => string {
  const t = useText();
  return (resource) => t(RESOURCES[resource]);
}

/** Why an infrastructure was not chosen, in words and figures. */
export function useRejectionText(): (it: Rejection) => string {
  const t = useText();
  const format = useFormat();
  const resourceText = usePlacementResource();
  // To a tenth: a limit of 85 % is not reached by what is shown as 85 %.
  const percent = (value: number) => format.permille(value * 10);
  return (it) => {
    switch (it.code) {
      case "mode":
        return t(it.mode === "disabled" ? "rejection.disabled" : "rejection.cordoned");
      case "state":
        return t("rejection.state", { state: t(STATES[it.state].word) });
      case "stale":
        return t("rejection.stale", { age: format.duration(it.age_seconds) });
      case "not_read":
        return t("rejection.not_read");
      case "selector":
        return t("rejection.selector", { label: it.label });
      case "driver":
        return t(it.driver === "vcluster" ? "rejection.driver_vcluster" : "rejection.driver_namespace");
      case "version":
        return t("rejection.version", { offered: it.offered, wanted: it.wanted });
      case "storage_class":
        return t("rejection.storage_class");
      case "slots":
        return t("rejection.slots", { taken: it.taken, max: it.max });
      case "requested":
      case "used":
        return t(it.code === "used" ? "rejection.used" : "rejection.requested", {
          resource: resourceText(it.resource),
          percent: percent(it.percent),
          max: percent(it.max_percent),
        });
      case "less_room":
        return t("rejection.less_room", { free: percent(it.free_percent) });
      default:
        // A newer server may know a reason that this page does not.
        return (it as { code: string }).code.replaceAll("_", " ");
    }
  };
}

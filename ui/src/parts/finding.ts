/** What a stage found, told from its facts in the reader's language; else the server's sentence. */
import type { Stage } from "../api/types";
import { useFormat } from "../i18n/format";
import { useText } from "../i18n/text";

export function useFinding(): (stage: Stage | undefined) => string | null {
  const t = useText();
  const format = useFormat();
  return (stage) => {
    if (!stage) return null;
    const { facts, outcome } = stage;
    const passed = outcome === "passed";
    const told = () => {
      switch (stage.stage) {
        case "read":
          return facts.context && t("finding.read", { context: facts.context });
        case "resolve":
          return facts.addresses;
        case "tcp":
          return facts.address && t("finding.tcp", { address: facts.address });
        case "tls":
          return passed && facts.issuer && facts.valid_until
            ? t("finding.tls", { issuer: facts.issuer, day: format.day(facts.valid_until) })
            : undefined;
        case "version":
          return (
            facts.version && t("finding.version", { version: facts.version, platform: facts.platform ?? "" })
          );
        case "identity":
          return facts.user && facts.duplicate_of
            ? t("finding.duplicate", { user: facts.user, name: facts.duplicate_of })
            : facts.user;
        case "rights":
          return passed
            ? t("finding.rights")
            : stage.missing_rights.length > 0
              ? t("finding.rights_missing", { count: stage.missing_rights.length })
              : undefined;
        case "metrics":
          if (!passed || !facts.nodes) return undefined;
          return facts.nodes_total
            ? t("finding.metrics_of", { nodes: Number(facts.nodes), total: Number(facts.nodes_total) })
            : t("finding.metrics", { nodes: Number(facts.nodes) });
        case "storage":
          return passed && facts.default_class
            ? t("finding.storage", { class: facts.default_class })
            : undefined;
        default:
          return undefined;
      }
    };
    return told() || stage.finding || null;
  };
}

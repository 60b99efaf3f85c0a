import type { RuleKind } from "../api/types";

/** Every rule, in the order in which they are listed: what is broken, what fills, what ends. */
export const RULE_KINDS: readonly RuleKind[] = [
  "disconnected",
  "degraded",
  "network_suspect",
  "flapping",
  "check_late",
  "cpu_high",
  "memory_high",
  "storage_high",
  "pods_high",
  "forecast_full",
  "credential_expiring",
  "credential_expired",
  "certificate_expiring",
  "version_unsupported",
  "version_skew",
];

/** The three facts that are often taken for one: reachable, healthy, takes new environments. */
import type { ReactNode } from "react";
import type { Infrastructure } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import type { IconName } from "../ui/icons";
import { Status, type Tone } from "../ui/Status";
import styles from "./Facts.module.css";
import { useDetail, useReason } from "./InfrastructureStatus";
import { STATES } from "./state";

/** Reasons whose own sentence already says all that the detail would. */
const says: ReadonlySet<string> = new Set(["nodes_not_ready", "slow", "not_checked"]);

export function Facts({ infrastructure: it }: { infrastructure: Infrastructure }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const { status, mode, metadata } = it;
  const reason = useReason()(status, metadata) ?? "";
  const detail = useDetail()(status);
  const age = (at: string) => format.duration((now_ms - Date.parse(at)) / 1_000);
  const face = STATES[status.state];

  const reached =
    mode === "disabled"
      ? ({ tone: "idle", icon: "pause", text: t("fact.not_contacted") } as const)
      : status.reachable === true
        ? ({
            tone: "ok",
            icon: "check",
            text:
              status.latency_ms == null
                ? t("fact.yes")
                : t("fact.reachable", { latency: format.milliseconds(status.latency_ms) }),
          } as const)
        : status.reachable === false
          ? ({ tone: "down", icon: "plug", text: t("fact.no_because", { reason }) } as const)
          : ({ tone: "idle", icon: "clock", text: t("fact.not_known") } as const);
  return (
    <div className={styles.facts}>
      <Fact name={t("fact.name_reachable")} {...reached}>
        {status.last_success_at
          ? t("fact.last_success", { age: age(status.last_success_at) })
          : t("problem.no_success")}
      </Fact>
      <Fact
        name={t("fact.name_healthy")}
        tone={face.tone}
        icon={face.icon}
        text={
          status.state === "healthy" ? t("fact.yes") : t("fact.word_because", { word: t(face.word), reason })
        }
      >
        {!detail || says.has(status.reason ?? "") ? t("fact.since", { age: age(status.since) }) : detail}
      </Fact>
      <Fact
        name={t("fact.name_schedulable")}
        tone={status.schedulable ? "ok" : mode === "enabled" ? face.tone : "idle"}
        icon={
          status.schedulable
            ? "check"
            : mode === "cordoned"
              ? "cordon"
              : mode === "disabled"
                ? "pause"
                : "cross"
        }
        text={
          status.schedulable
            ? t("fact.yes")
            : t(
                mode === "cordoned"
                  ? "fact.no_cordoned"
                  : mode === "disabled"
                    ? "fact.no_disabled"
                    : "fact.no_state",
              )
        }
      >
        {status.schedulable
          ? it.is_default
            ? t("fact.is_default")
            : t("fact.not_default")
          : mode === "cordoned"
            ? t("fact.cordoned_text")
            : null}
      </Fact>
    </div>
  );
}

function Fact({
  name,
  tone,
  icon,
  text,
  children,
}: {
  name: string;
  tone: Tone;
  icon: IconName;
  text: string;
  children: ReactNode;
}) {
  return (
    <div className={styles.fact}>
      <p className={styles.name}>{name}</p>
      <p>
        <Status tone={tone} icon={icon}>
          {text}
        </Status>
      </p>
      <p className={styles.more}>{children}</p>
    </div>
  );
}

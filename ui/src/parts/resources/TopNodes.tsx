/** The fullest nodes of the whole fleet. */
import { Link } from "@tanstack/react-router";
import type { TopNode } from "../../api/types";
import { useText } from "../../i18n/text";
import { Section } from "../../ui/Page";
import { Gauge } from "../Gauge";
import { Share } from "../ResourceCell";
import styles from "./Resources.module.css";

const HUNDRED = 100;
const usage = (percent: number | null | undefined) =>
  percent == null ? null : { used: percent, requested: null, allocatable: HUNDRED };

export function TopNodes({ nodes }: { nodes: readonly TopNode[] }) {
  const t = useText();
  return (
    <Section title={t("top.title")} note={t("top.note")}>
      {nodes.length === 0 ? (
        <p className={styles.calm}>{t("top.none")}</p>
      ) : (
        <ol className={styles.list}>
          {nodes.map((it) => (
            <li key={`${it.infrastructure_id} ${it.node}`}>
              <span className={styles.who}>
                <Link to="/admin/infrastructures/$id" params={{ id: it.infrastructure_id }} hash="nodes">
                  {it.node}
                </Link>
                <span>{it.infrastructure_name}</span>
              </span>
              <span className={styles.pair}>
                {(["cpu", "memory"] as const).map((resource) => {
                  const percent = it[`${resource}_percent`];
                  return (
                    <span key={resource}>
                      <span className={styles.pairWords} aria-hidden="true">
                        {t(`resource.${resource}`)}
                        <Share share={percent == null ? null : percent / HUNDRED} strong />
                      </span>
                      <Gauge usage={usage(percent)} />
                    </span>
                  );
                })}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}

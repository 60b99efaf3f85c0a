/** What runs full at its present rate, soonest first, with what the guess stands on. */
import { Link } from "@tanstack/react-router";
import type { UsageRow } from "../../api/types";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Section } from "../../ui/Page";
import { Status, type Tone } from "../../ui/Status";
import { RESOURCE_WORDS } from "../ResourceCell";
import styles from "./Resources.module.css";

/** Sooner than this is red, sooner than that amber. */
const SOON_DAYS = 3;
const NEAR_DAYS = 14;
const SHOWN = 6;

const toneOf = (days: number): Tone => (days < SOON_DAYS ? "down" : days < NEAR_DAYS ? "warn" : "idle");

export function Forecasts({ rows }: { rows: readonly UsageRow[] }) {
  const t = useText();
  const format = useFormat();
  const coming = rows
    .flatMap((row) => (row.forecast ? [{ row, forecast: row.forecast }] : []))
    .sort((a, b) => a.forecast.days - b.forecast.days);
  return (
    <Section title={t("forecast.title")} note={t("forecast.note")}>
      {coming.length === 0 ? (
        <p className={styles.calm}>{t("forecast.none")}</p>
      ) : (
        <ul className={styles.list}>
          {coming.slice(0, SHOWN).map(({ row, forecast }) => {
            const days = Math.floor(forecast.days);
            const tone = toneOf(forecast.days);
            return (
              <li key={row.id}>
                <span className={styles.who}>
                  <Link to="/admin/infrastructures/$id" params={{ id: row.id }} search={{ range: "30d" }}>
                    {row.name}
                  </Link>
                  <span>{t(RESOURCE_WORDS[forecast.resource])}</span>
                </span>
                <span className={styles.what}>
                  <Status tone={tone} icon={tone === "idle" ? "clock" : "triangle"} small>
                    {t("forecast.full_in", { days })}
                  </Status>
                  <span className={styles.basis}>
                    {t("forecast.basis", {
                      day: format.day(forecast.full_at),
                      basis: Math.max(1, Math.round(forecast.basis_days)),
                    })}
                  </span>
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}

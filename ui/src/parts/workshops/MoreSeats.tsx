import { useState } from "react";
import type { WorkshopSession } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Icon } from "../../ui/Icon";
import { Section } from "../../ui/Page";
import styles from "./MoreSeats.module.css";
import { PlacementAnswer } from "./PlacementAnswer";

const MOST = 1_000;

/** If more people came than were expected: where would they go? */
export function MoreSeats({ session }: { session: WorkshopSession }) {
  const t = useText();
  const [count, setCount] = useState(() => Math.max(1, session.seats - session.counts.joined));
  const set = (value: number) => setCount(Math.min(MOST, Math.max(1, Math.round(value) || 1)));
  return (
    <Section title={t("board.more")}>
      <PlacementAnswer
        before={
          <div className={styles.ask}>
            <span className={styles.stepper}>
              <button type="button" onClick={() => set(count - 1)} aria-label={t("board.fewer")}>
                <Icon name="minus" />
              </button>
              <input
                inputMode="numeric"
                value={count}
                onChange={({ target: { value } }) => set(Number(value))}
                aria-label={t("board.more_count")}
              />
              <button type="button" onClick={() => set(count + 1)} aria-label={t("board.one_more")}>
                <Icon name="plus" />
              </button>
            </span>
            <span>
              {t("board.more_of", {
                count,
                driver: t(`driver.${session.driver}`),
                preset: t(`preset.${session.preset}`),
              })}
            </span>
          </div>
        }
        ask={{ workshop_id: session.workshop_id, count }}
      />
    </Section>
  );
}

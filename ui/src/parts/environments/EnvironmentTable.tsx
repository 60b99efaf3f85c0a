import { Link } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import type { Environment } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useNow } from "../../i18n/now";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import field from "../../ui/Field.module.css";
import { Status } from "../../ui/Status";
import table from "../../ui/Table.module.css";
import util from "../../ui/util.module.css";
import { Countdown } from "../workshops/Countdown";
import { useReasonText } from "../workshops/SeatFace";
import { ENVIRONMENT_STATES } from "../workshops/words";
import styles from "./EnvironmentTable.module.css";
import { PlacementWhy } from "./PlacementWhy";

/** One row an environment; what was weighed when it was placed stands behind a button. */
export function EnvironmentTable({
  environments,
  chosen,
  onChoose,
}: {
  environments: readonly Environment[];
  /** None, where nothing can be chosen. */
  chosen?: ReadonlySet<string>;
  onChoose?: (ids: readonly string[], on: boolean) => void;
}) {
  const t = useText();
  const [opened, setOpened] = useState<string | null>(null);
  const all = chosen !== undefined && environments.every((it) => chosen.has(it.id));
  return (
    <table className={`${table.table} ${table.cards} ${styles.table}`}>
      <caption className={util.sr}>{t("tab.environments")}</caption>
      <thead>
        <tr>
          <th scope="col">
            {chosen && (
              <input
                type="checkbox"
                className={`${field.box} ${styles.box}`}
                checked={all}
                onChange={({ target: { checked } }) =>
                  onChoose?.(
                    environments.map((it) => it.id),
                    checked,
                  )
                }
                aria-label={t("board.choose_all", { count: environments.length })}
              />
            )}
            {t("board.column.state")}
          </th>
          <th scope="col">{t("env.column.owner")}</th>
          <th scope="col">{t("env.session")}</th>
          <th scope="col">{t("board.column.infrastructure")}</th>
          <th scope="col" className={table.num}>
            {t("env.column.age")}
          </th>
          <th scope="col" className={table.num}>
            {t("board.column.left")}
          </th>
          <th scope="col" className={table.num}>
            {t("env.column.start")}
          </th>
        </tr>
      </thead>
      <tbody>
        {environments.map((it) => (
          <Fragment key={it.id}>
            <EnvironmentRow
              environment={it}
              chosen={chosen?.has(it.id)}
              onChoose={(on) => onChoose?.([it.id], on)}
              opened={opened === it.id}
              onOpen={() => setOpened(opened === it.id ? null : it.id)}
            />
            {opened === it.id && (
              <tr className={styles.why}>
                <td colSpan={7} className={table.wide}>
                  <PlacementWhy environment={it} />
                </td>
              </tr>
            )}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

function EnvironmentRow({
  environment: it,
  chosen,
  onChoose,
  opened,
  onOpen,
}: {
  environment: Environment;
  chosen: boolean | undefined;
  onChoose: (on: boolean) => void;
  opened: boolean;
  onOpen: () => void;
}) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const reason = useReasonText()(it.reason);
  const face = ENVIRONMENT_STATES[it.state];
  const name = it.owner ?? t("env.spare");
  return (
    <tr data-stuck={it.is_stuck || undefined}>
      <td className={table.wide}>
        <span className={styles.state}>
          {chosen !== undefined && (
            <input
              type="checkbox"
              className={`${field.box} ${styles.box}`}
              checked={chosen}
              onChange={({ target: { checked } }) => onChoose(checked)}
              aria-label={t("env.choose", { name })}
            />
          )}
          <span>
            <Status tone={it.is_stuck ? "down" : face.tone} icon={it.is_stuck ? "triangle" : face.icon} small>
              {t(face.word)}
            </Status>
            {it.is_stuck && <b className={`${table.sub} ${styles.stuck}`}>{t("env.stuck")}</b>}
            {it.state === "provisioning" && (
              <span className={table.sub}>
                {t("env.step", {
                  step: t(`env_step.${it.step.name}`),
                  number: it.step.number,
                  count: it.step.count,
                })}
              </span>
            )}
            {reason && <span className={table.sub}>{reason}</span>}
          </span>
        </span>
      </td>
      <th scope="row" className={table.wide}>
        <b>{name}</b>
        <span className={table.sub}>
          {it.seat_number != null && `${t("board.seat_number", { number: it.seat_number })}, `}
          {t(`driver.${it.driver}`)}, {t(`preset.${it.preset}`)}
        </span>
      </th>
      <td data-label={t("env.session")}>
        <Link to="/admin/sessions/$id" params={{ id: it.session_id }}>
          {it.session_name}
        </Link>
      </td>
      <td data-label={t("board.column.infrastructure")}>
        {it.infrastructure_id ? (
          <Link
            to="/admin/infrastructures/$id"
            params={{ id: it.infrastructure_id }}
            className={styles.place}
          >
            {it.infrastructure_name}
          </Link>
        ) : (
          t("env.no_place")
        )}
        <span className={table.sub}>
          <Button
            size="s"
            look="ghost"
            className={styles.toggle}
            aria-expanded={opened}
            onClick={onOpen}
            aria-label={t("env.why_for", { name })}
          >
            {t(opened ? "env.why_hide" : "env.why")}
          </Button>
        </span>
      </td>
      <td className={table.num} data-label={t("env.column.age")}>
        <time dateTime={it.created_at} title={format.exactly(it.created_at)}>
          {format.duration((now_ms - Date.parse(it.created_at)) / 1_000)}
        </time>
      </td>
      <td className={table.num} data-label={t("board.column.left")}>
        <Countdown at={it.expires_at} />
      </td>
      <td className={table.num} data-label={t("env.column.start")}>
        {it.start_seconds == null ? "—" : format.duration(it.start_seconds)}
        {it.attempts > 1 && <span className={table.sub}>{t("env.attempts", { count: it.attempts })}</span>}
      </td>
    </tr>
  );
}

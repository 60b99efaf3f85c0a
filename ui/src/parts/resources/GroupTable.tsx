/** The fleet by region, environment or label: what each group has, uses and lacks. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { infrastructureList } from "../../api/queries";
import type { UsageGroup } from "../../api/types";
import { useText, useTextIfKnown } from "../../i18n/text";
import { Section } from "../../ui/Page";
import table from "../../ui/Table.module.css";
import history from "../history/History.module.css";
import { RESOURCE_WORDS, ResourceCell, useAmount } from "../ResourceCell";
import { RESOURCES, usageOf } from "../usage";
import styles from "./Resources.module.css";

export function GroupTable({
  group,
  groups,
  onGroup,
}: {
  group: string | undefined;
  groups: readonly UsageGroup[];
  onGroup: (group: string | undefined) => void;
}) {
  const t = useText();
  const list = useInfiniteQuery(infrastructureList());
  const keys = new Set(
    list.data?.pages.flatMap((page) => page.items.flatMap((it) => Object.keys(it.labels))),
  );
  return (
    <Section
      title={t("group_by.title")}
      note={group && t("group_by.note", { count: groups.length })}
      end={
        <select
          className={history.of}
          aria-label={t("group_by.choose")}
          value={group ?? ""}
          onChange={({ target: { value } }) => onGroup(value || undefined)}
        >
          <option value="">{t("group_by.none")}</option>
          <option value="environment">{t("field.environment")}</option>
          <option value="region">{t("field.region")}</option>
          {[...keys].sort().map((key) => (
            <option key={key} value={`label:${key}`}>
              {t("group_by.label", { key })}
            </option>
          ))}
        </select>
      }
    >
      {!group ? (
        <p className={styles.calm}>{t("group_by.what")}</p>
      ) : (
        groups.length > 0 && (
          <table className={`${table.table} ${table.cards} ${styles.groups}`}>
            <thead>
              <tr>
                <th scope="col">{t("group_by.group")}</th>
                {RESOURCES.map((resource) => (
                  <th scope="col" key={resource}>
                    {t(RESOURCE_WORDS[resource])}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {groups.map((it) => (
                <GroupLine key={it.key} group={group} it={it} />
              ))}
            </tbody>
          </table>
        )
      )}
    </Section>
  );
}

function GroupLine({ group, it }: { group: string; it: UsageGroup }) {
  const t = useText();
  const known = useTextIfKnown();
  const amount = useAmount();
  const name = (group === "environment" && known(`environment_long.${it.key}`)) || it.key;
  return (
    <tr>
      <th scope="row" className={table.wide}>
        <b>{name || t("group_by.without")}</b>
        <span className={table.sub}>{t("overview.counted", { counted: it.counted, total: it.total })}</span>
      </th>
      {RESOURCES.map((resource) => {
        const usage = it.counted > 0 ? usageOf(resource, it.totals) : null;
        return (
          <td key={resource} data-label={t(RESOURCE_WORDS[resource])}>
            <ResourceCell resource={resource} usage={usage} />
            {usage && (
              <span className={table.sub}>
                {t(usage.used == null ? "usage.requested_of_allocatable" : "usage.of_allocatable", {
                  used: amount(resource, usage.used),
                  requested: amount(resource, usage.requested),
                  allocatable: amount(resource, usage.allocatable),
                })}
              </span>
            )}
          </td>
        );
      })}
    </tr>
  );
}

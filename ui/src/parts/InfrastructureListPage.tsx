/**
 * The list of infrastructures: filter, sort, and rows that stay in place while their cells change.
 *
 * Promises: the filter is in the URL; old figures are dimmed and dated; the order changes only when
 * the reader asks. Does not: ask an infrastructure anything; everything comes from the server's
 * memory.
 */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { problemOf } from "../api/problem";
import { infrastructureCsv, infrastructureList, stats } from "../api/queries";
import type { EnvironmentClass } from "../api/types";
import { useText } from "../i18n/text";
import type { InfrastructureSearch } from "../routes/admin.infrastructures.index";
import { Button, ButtonLink } from "../ui/Button";
import { Blank, Failed, Note, Skeleton } from "../ui/Faces";
import { SearchField } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { PageHead } from "../ui/Page";
import { Segmented } from "../ui/Segmented";
import util from "../ui/util.module.css";
import { CsvLink } from "./CsvLink";
import { ENVIRONMENTS } from "./EnvironmentBadge";
import styles from "./InfrastructureListPage.module.css";
import { InfrastructureTable } from "./InfrastructureTable";
import { useMay } from "./may";
import { useProblemText } from "./ProblemNote";
import { useStableOrder } from "./stableOrder";
import { GROUP_NAMES, GROUPS, groupCounts, STATES, type StateGroup, statesOf } from "./state";
import { UsageKey } from "./UsageKey";

/** How long typing rests before the URL, and with it the list, follows. */
const TYPING_MS = 200;

export function InfrastructureListPage({
  search,
  onSearch,
}: {
  search: InfrastructureSearch;
  onSearch: (change: InfrastructureSearch) => void;
}) {
  const t = useText();
  const may = useMay();
  const { q, environment, sort } = search;
  const state = statesOf(search.state);
  const list = useInfiniteQuery(infrastructureList({ q, state, environment, sort }));
  const fleet = useQuery(stats());
  const problemText = useProblemText();

  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const { rows, waiting, reorder } = useStableOrder(
    items,
    // While another filter or order is on its way, the rows of the one before are still shown.
    list.isPlaceholderData ? "before" : JSON.stringify(search),
  );

  const total = fleet.data?.infrastructures.total ?? items.length;
  const schedulable = items.filter((it) => it.status.schedulable).length;
  const unanswered = list.data?.pages[0]?.unanswered.length ?? 0;
  const isFiltered = Boolean(q || environment || search.state);
  const whyNotAdd = may("infrastructure_write") ? null : t("why_not.write");

  const head = (
    <PageHead
      title={t("tab.infrastructures")}
      answer={
        list.data
          ? isFiltered
            ? t("list.answer_filtered", { count: items.length, total })
            : t("list.answer", { total, schedulable })
          : undefined
      }
      actions={
        whyNotAdd ? (
          <Button look="primary" icon="plus" whyNot={whyNotAdd}>
            {t("list.add")}
          </Button>
        ) : (
          <ButtonLink to="/admin/infrastructures/new" look="primary" icon="plus">
            {t("list.add")}
          </ButtonLink>
        )
      }
    />
  );

  if (list.data && total === 0 && !isFiltered) {
    return (
      <>
        {head}
        <Blank
          title={t("list.empty")}
          action={
            <ButtonLink to="/admin/infrastructures/new" look="primary" icon="plus">
              {t("first.connect")}
            </ButtonLink>
          }
        >
          {t("list.empty_text")}
        </Blank>
      </>
    );
  }

  return (
    <>
      {head}
      <search className={styles.bar}>
        <SearchBox q={q ?? ""} onChange={(next) => onSearch({ q: next || undefined })} />
        <StateFilter
          state={search.state}
          counts={groupCounts(fleet.data?.infrastructures.by_state ?? {})}
          total={total}
          onChoose={(state) => onSearch({ state })}
        />
        <EnvironmentFilter environment={environment} onChoose={(next) => onSearch({ environment: next })} />
        <span className={util.grow} />
        <span role="status">
          {waiting > 0 && (
            <Button icon="retry" className={styles.waiting} onClick={reorder}>
              {t("list.waiting", { count: waiting })}
            </Button>
          )}
        </span>
      </search>
      <p className={styles.key}>
        <span>{sort ? t("list.sorted") : t("list.problems_first")}</span>
        <UsageKey notches />
        {rows.length > 0 && <CsvLink href={infrastructureCsv({ q, state, environment, sort })} />}
        {unanswered > 0 && (
          <span className={styles.unanswered}>
            <Icon name="clock" size={12} /> {t("list.unanswered", { count: unanswered })}
          </span>
        )}
      </p>
      {list.isError && list.data && (
        <Note tone="warn" icon="triangle" role="status">
          {t("list.not_refreshed")} {problemText(problemOf(list.error)).title}
        </Note>
      )}
      {list.isPending ? (
        <Skeleton rows={8} height={52} label={t("face.loading")} />
      ) : !list.data ? (
        <ListFailed error={list.error} onRetry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        <Blank
          title={t("list.none_match")}
          action={
            <Button onClick={() => onSearch({ q: undefined, state: undefined, environment: undefined })}>
              {t("list.clear_filter")}
            </Button>
          }
        />
      ) : (
        <InfrastructureTable rows={rows} sort={sort} onSort={(next) => onSearch({ sort: next })} />
      )}
      {rows.length > 0 && (
        <p className={styles.foot}>
          {t("list.foot", { count: rows.length, total })}
          {list.hasNextPage && (
            <Button size="s" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t("face.load_more")}
            </Button>
          )}
        </p>
      )}
    </>
  );
}

function ListFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const t = useText();
  const { title, hint } = useProblemText()(problemOf(error));
  return (
    <Failed
      title={t("list.failed")}
      action={
        <Button icon="retry" onClick={onRetry}>
          {t("face.try_again")}
        </Button>
      }
    >
      <p>{title}</p>
      <p>{hint ?? t("face.again_by_itself")}</p>
    </Failed>
  );
}

function SearchBox({ q, onChange }: { q: string; onChange: (q: string) => void }) {
  const t = useText();
  const [typed, setTyped] = useState(q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The URL changed by other means (a link, the back button): the field follows it.
  useEffect(() => {
    setTyped((now) => (now.trim() === q ? now : q));
  }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div className={styles.search}>
      <SearchField
        label={t("list.search_label")}
        placeholder={t("list.search")}
        value={typed}
        onChange={({ target: { value } }) => {
          setTyped(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => onChange(value.trim()), TYPING_MS);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          clearTimeout(timer.current);
          setTyped("");
          onChange("");
          event.currentTarget.blur();
        }}
      />
    </div>
  );
}

function StateFilter({
  state,
  counts,
  total,
  onChoose,
}: {
  state: InfrastructureSearch["state"];
  counts: Record<StateGroup, number>;
  total: number;
  onChoose: (state: StateGroup | undefined) => void;
}) {
  const t = useText();
  const group =
    state && (state in STATES ? STATES[state as keyof typeof STATES].group : (state as StateGroup));
  const shown = GROUP_NAMES.filter((it) => counts[it] > 0 || it === group);
  return (
    <Segmented
      label={t("list.filter_state")}
      value={group ?? "all"}
      onChoose={(next) => onChoose(next === "all" ? undefined : next)}
      options={[
        { value: "all" as const, label: t("list.all", { count: total }) },
        ...shown.map((it) => ({
          value: it,
          label: (
            <>
              <span className={styles.filterIcon} data-tone={GROUPS[it].tone}>
                <Icon name={GROUPS[it].icon} />
              </span>
              {t("list.group_count", { word: t(GROUPS[it].word, { count: counts[it] }), count: counts[it] })}
            </>
          ),
        })),
      ]}
    />
  );
}

function EnvironmentFilter({
  environment,
  onChoose,
}: {
  environment: EnvironmentClass | undefined;
  onChoose: (environment: EnvironmentClass | undefined) => void;
}) {
  const t = useText();
  return (
    <select
      className={styles.environment}
      aria-label={t("field.environment")}
      value={environment ?? ""}
      onChange={({ target: { value } }) => onChoose(ENVIRONMENTS.find((it) => it === value))}
    >
      <option value="">{t("list.environment_any")}</option>
      {ENVIRONMENTS.map((it) => (
        <option key={it} value={it}>
          {t("list.environment", { environment: t(`environment_long.${it}`) })}
        </option>
      ))}
    </select>
  );
}

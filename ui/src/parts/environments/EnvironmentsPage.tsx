/**
 * Every environment that lives: where, whose, for how long, and why it was put there.
 *
 * Promises: what is stuck stands first; the filter is the URL; what is done to several says how
 * many. Does not: show those that are over unless somebody asks for them.
 */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { problemOf } from "../../api/problem";
import { resourceUsage } from "../../api/queries";
import { type Environment, environmentList, workshopSessionList } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { type EnvironmentSearch, filterOf } from "../../routes/admin.environments";
import { Button } from "../../ui/Button";
import { Blank, Failed, Note, Skeleton } from "../../ui/Faces";
import { SearchField } from "../../ui/Field";
import { PageHead } from "../../ui/Page";
import util from "../../ui/util.module.css";
import list from "../InfrastructureListPage.module.css";
import { useMay, useSeesAll } from "../may";
import { useProblemText } from "../ProblemNote";
import { ENVIRONMENT_STATE_NAMES, ENVIRONMENT_STATES } from "../workshops/words";
import type { EnvironmentDeed } from "./EnvironmentDialog";
import styles from "./EnvironmentsPage.module.css";
import { EnvironmentTable } from "./EnvironmentTable";

const EnvironmentDialog = lazy(() => import("./EnvironmentDialog"));

/** How long typing rests before the URL, and with it the list, follows. */
const TYPING_MS = 200;

/** What is stuck first, then as the server has it. */
export const stuckFirst = (all: readonly Environment[]): Environment[] => [
  ...all.filter((it) => it.is_stuck),
  ...all.filter((it) => !it.is_stuck),
];

export function EnvironmentsPage({
  search,
  onSearch,
}: {
  search: EnvironmentSearch;
  onSearch: (change: EnvironmentSearch) => void;
}) {
  const t = useText();
  const may = useMay();
  const seesAll = useSeesAll();
  // A trainer sees those of one session of theirs at a time.
  const isAsked = seesAll || search.session !== undefined;
  const query = useInfiniteQuery({ ...environmentList(filterOf(search)), enabled: isAsked });
  const problemText = useProblemText();
  const [chosenIds, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [deed, setDeed] = useState<EnvironmentDeed | null>(null);
  const items = useMemo(() => stuckFirst(query.data?.pages.flatMap((it) => it.items) ?? []), [query.data]);
  const chosen = items.filter((it) => chosenIds.has(it.id));
  const isFiltered = Object.values(search).some(Boolean);
  const whyNot = may("environment_write") ? null : t("why_not.operate");
  const stuck = items.filter((it) => it.is_stuck).length;
  return (
    <>
      <PageHead
        title={t("tab.environments")}
        answer={
          query.data &&
          (query.hasNextPage
            ? t("env.answer_more", { total: items.length, stuck })
            : t(isFiltered ? "env.answer_filtered" : "env.answer", { total: items.length, stuck }))
        }
      />
      <Filters search={search} onSearch={onSearch} />
      {query.isError && query.data && (
        <Note tone="warn" icon="triangle" role="status">
          {t("list.not_refreshed")} {problemText(problemOf(query.error)).title}
        </Note>
      )}
      {!isAsked && <Blank title={t("env.choose_session")}>{t("env.choose_session_text")}</Blank>}
      {isAsked && query.isPending && <Skeleton rows={8} height={52} label={t("face.loading")} />}
      {query.isError && !query.data && (
        <Failed
          title={problemText(problemOf(query.error)).title}
          action={
            <Button icon="retry" onClick={() => void query.refetch()}>
              {t("face.try_again")}
            </Button>
          }
        >
          {problemText(problemOf(query.error)).hint}
        </Failed>
      )}
      {query.data && items.length === 0 && (
        <Blank
          title={t(isFiltered ? "env.none_match" : "env.none")}
          action={
            isFiltered && (
              <Button
                onClick={() =>
                  onSearch({ q: undefined, infrastructure: undefined, session: undefined, state: undefined })
                }
              >
                {t("list.clear_filter")}
              </Button>
            )
          }
        >
          {!isFiltered && t("env.none_text")}
        </Blank>
      )}
      {chosen.length > 0 && (
        <section className={styles.bulk} aria-label={t("board.bulk")}>
          <b role="status" className={util.grow}>
            {t("env.chosen", { count: chosen.length })}
          </b>
          <Button
            size="s"
            icon="extend"
            whyNot={whyNot}
            onClick={() => setDeed({ deed: "extend", environments: chosen })}
          >
            {t("board.extend")}
          </Button>
          <Button
            size="s"
            look="danger"
            icon="stop"
            whyNot={whyNot}
            onClick={() => setDeed({ deed: "end", environments: chosen })}
          >
            {t("env.end", { count: chosen.length })}
          </Button>
          <Button size="s" look="ghost" iconOnly icon="close" onClick={() => setChosen(new Set())}>
            {t("board.choose_none")}
          </Button>
        </section>
      )}
      {items.length > 0 && (
        <EnvironmentTable
          environments={items}
          chosen={chosenIds}
          onChoose={(ids, on) =>
            setChosen((now) => {
              const next = new Set(now);
              for (const id of ids) {
                if (on) next.add(id);
                else next.delete(id);
              }
              return next;
            })
          }
        />
      )}
      {items.length > 0 && (
        <p className={list.foot}>
          {t(query.hasNextPage ? "env.foot_more" : "env.foot", { count: items.length })}
          {query.hasNextPage && (
            <Button size="s" busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("face.load_more")}
            </Button>
          )}
        </p>
      )}
      {deed && (
        <Suspense>
          <EnvironmentDialog
            deed={deed}
            onClose={() => setDeed(null)}
            onDone={() => {
              setDeed(null);
              setChosen(new Set());
            }}
          />
        </Suspense>
      )}
    </>
  );
}

function Filters({
  search,
  onSearch,
}: {
  search: EnvironmentSearch;
  onSearch: (change: EnvironmentSearch) => void;
}) {
  const t = useText();
  const fleet = useQuery(resourceUsage()).data?.items ?? [];
  const sessions = useQuery(workshopSessionList()).data?.items ?? [];
  const [typed, setTyped] = useState(search.q ?? "");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setTyped((now) => (now.trim() === (search.q ?? "") ? now : (search.q ?? ""))), [search.q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <search className={list.bar}>
      <div className={list.search}>
        <SearchField
          label={t("env.search_label")}
          placeholder={t("env.search")}
          value={typed}
          onChange={({ target: { value } }) => {
            setTyped(value);
            clearTimeout(timer.current);
            timer.current = setTimeout(() => onSearch({ q: value.trim() || undefined }), TYPING_MS);
          }}
        />
      </div>
      <select
        className={list.environment}
        aria-label={t("board.column.state")}
        value={search.state ?? ""}
        onChange={({ target: { value } }) =>
          onSearch({ state: ENVIRONMENT_STATE_NAMES.find((it) => it === value) })
        }
      >
        <option value="">{t("env.any_state")}</option>
        {ENVIRONMENT_STATE_NAMES.map((it) => (
          <option key={it} value={it}>
            {t(ENVIRONMENT_STATES[it].word)}
          </option>
        ))}
      </select>
      <select
        className={list.environment}
        aria-label={t("board.column.infrastructure")}
        value={search.infrastructure ?? ""}
        onChange={({ target: { value } }) => onSearch({ infrastructure: value || undefined })}
      >
        <option value="">{t("env.any_infrastructure")}</option>
        {fleet.map((it) => (
          <option key={it.id} value={it.id}>
            {it.name}
          </option>
        ))}
      </select>
      <select
        className={list.environment}
        aria-label={t("env.session")}
        value={search.session ?? ""}
        onChange={({ target: { value } }) => onSearch({ session: value || undefined })}
      >
        <option value="">{t("env.any_session")}</option>
        {sessions
          .filter((it) => it.state !== "ended" || it.id === search.session)
          .map((it) => (
            <option key={it.id} value={it.id}>
              {it.name}
            </option>
          ))}
      </select>
    </search>
  );
}

/**
 * Sessions first: now, soon, past; then the workshops that can be held.
 *
 * Promises: what runs now stands at the top with who waits for help; the filter is the URL.
 * Does not: show seats; the board of a session does.
 */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { problemOf } from "../../api/problem";
import { type Workshop, type WorkshopSession, workshopList, workshopSessionList } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useNow } from "../../i18n/now";
import { type TextKey, useText } from "../../i18n/text";
import type { WorkshopSearch } from "../../routes/admin.workshops.index";
import { Button, ButtonLink } from "../../ui/Button";
import { Blank, Failed, Note, Skeleton } from "../../ui/Faces";
import { Icon } from "../../ui/Icon";
import { PageHead, Section } from "../../ui/Page";
import { Segmented } from "../../ui/Segmented";
import table from "../../ui/Table.module.css";
import util from "../../ui/util.module.css";
import { useMay } from "../may";
import { useProblemText } from "../ProblemNote";
import { SessionStatus } from "./SessionStatus";
import styles from "./WorkshopsPage.module.css";
import { type SessionGroup, sessionGroups } from "./words";

const GROUPS: readonly SessionGroup[] = ["now", "soon", "past"];
const GROUP_WORDS: Record<SessionGroup, TextKey> = {
  now: "session.now",
  soon: "session.soon",
  past: "session.past",
};
/** Past sessions that are shown before somebody asks for all. */
const PAST_SHOWN = 10;

export function WorkshopsPage({
  search,
  onSearch,
}: {
  search: WorkshopSearch;
  onSearch: (change: WorkshopSearch) => void;
}) {
  const t = useText();
  const may = useMay();
  const sessions = useQuery(workshopSessionList());
  const workshops = useQuery(workshopList());
  const all = sessions.data?.items ?? [];
  const groups = sessionGroups(all);
  const help = all.reduce((sum, it) => sum + it.counts.help, 0);
  const whyNotSession = !may("session_write")
    ? t("why_not.train")
    : workshops.data?.items.length === 0
      ? t("session.why_not_without")
      : null;
  const whyNotWorkshop = may("workshop_write") ? null : t("why_not.train");
  return (
    <>
      <PageHead
        title={t("tab.workshops")}
        answer={
          sessions.data && t("session.answer", { now: groups.now.length, soon: groups.soon.length, help })
        }
        actions={
          <>
            {whyNotWorkshop ? (
              <Button icon="book" whyNot={whyNotWorkshop}>
                {t("workshop.new")}
              </Button>
            ) : (
              <ButtonLink to="/admin/workshops/new" icon="book">
                {t("workshop.new")}
              </ButtonLink>
            )}
            {whyNotSession ? (
              <Button look="primary" icon="plus" whyNot={whyNotSession}>
                {t("session.new")}
              </Button>
            ) : (
              <ButtonLink to="/admin/sessions/new" look="primary" icon="plus">
                {t("session.new")}
              </ButtonLink>
            )}
          </>
        }
      />
      <Section
        title={t("session.title")}
        end={
          all.length > 0 && (
            <Segmented<"all" | SessionGroup>
              small
              label={t("session.show")}
              value={search.show ?? "all"}
              onChoose={(show) => onSearch({ show: show === "all" ? undefined : show })}
              options={[
                { value: "all", label: t("session.show_all", { count: all.length }) },
                ...GROUPS.map((it) => ({
                  value: it,
                  label: t("session.show_group", { word: t(GROUP_WORDS[it]), count: groups[it].length }),
                })),
              ]}
            />
          )
        }
      >
        {sessions.isPending && <Skeleton rows={4} height={52} label={t("face.loading")} />}
        {sessions.isError && <ReadFailed query={sessions} />}
        {sessions.data && all.length === 0 && (
          <Blank
            title={t("session.none")}
            action={
              workshops.data?.items.length === 0
                ? !whyNotWorkshop && (
                    <ButtonLink to="/admin/workshops/new" look="primary" icon="book">
                      {t("workshop.first")}
                    </ButtonLink>
                  )
                : !whyNotSession && (
                    <ButtonLink to="/admin/sessions/new" look="primary" icon="plus">
                      {t("session.first")}
                    </ButtonLink>
                  )
            }
          >
            {t("session.none_text")}
          </Blank>
        )}
        {all.length > 0 &&
          GROUPS.filter((it) => search.show === undefined || search.show === it).map((it) => (
            <SessionTable
              key={it}
              group={it}
              sessions={groups[it]}
              asked={search.show === it}
              onAll={() => onSearch({ show: it })}
            />
          ))}
      </Section>
      <Section title={t("workshop.title")} note={t("workshop.note")}>
        {workshops.isPending && <Skeleton rows={3} height={52} label={t("face.loading")} />}
        {workshops.isError && <ReadFailed query={workshops} />}
        {workshops.data && workshops.data.items.length === 0 && (
          <Blank title={t("workshop.none")}>{t("workshop.none_text")}</Blank>
        )}
        {workshops.data && workshops.data.items.length > 0 && (
          <WorkshopTable workshops={workshops.data.items} />
        )}
      </Section>
    </>
  );
}

/** The first answer failed, or a later one did and what is shown is of before. */
function ReadFailed({
  query,
}: {
  query: { data: unknown; error: unknown; refetch: () => Promise<unknown> };
}) {
  const t = useText();
  const { title, hint } = useProblemText()(problemOf(query.error));
  if (query.data)
    return (
      <Note tone="warn" icon="triangle" role="status">
        {t("list.not_refreshed")} {title}
      </Note>
    );
  return (
    <Failed
      title={title}
      action={
        <Button icon="retry" onClick={() => void query.refetch()}>
          {t("face.try_again")}
        </Button>
      }
    >
      {hint}
    </Failed>
  );
}

function SessionTable({
  group,
  sessions,
  asked,
  onAll,
}: {
  group: SessionGroup;
  sessions: readonly WorkshopSession[];
  /** Only this group was asked for. */
  asked: boolean;
  onAll: () => void;
}) {
  const t = useText();
  if (sessions.length === 0) {
    if (group === "past" && !asked) return null;
    return (
      <div className={styles.group}>
        <h3>{t(GROUP_WORDS[group])}</h3>
        <p className={styles.nothing}>{t(`session.nothing_${group}`)}</p>
      </div>
    );
  }
  const shown = asked ? sessions : sessions.slice(0, group === "past" ? PAST_SHOWN : undefined);
  return (
    <div className={styles.group}>
      <h3>{t(GROUP_WORDS[group])}</h3>
      <table className={`${table.table} ${table.cards} ${styles.sessions}`}>
        <caption className={util.sr}>{t(GROUP_WORDS[group])}</caption>
        <thead>
          <tr>
            <th scope="col">{t("session.column.state")}</th>
            <th scope="col">{t("session.column.name")}</th>
            <th scope="col">{t("session.column.when")}</th>
            <th scope="col" className={table.num}>
              {t("session.column.seats")}
            </th>
            <th scope="col" className={table.num}>
              {t("session.column.ready")}
            </th>
            <th scope="col" className={table.num}>
              {t("session.column.help")}
            </th>
            <th scope="col" className={table.num}>
              {t("session.column.failed")}
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((it) => (
            <SessionRow key={it.id} session={it} />
          ))}
        </tbody>
      </table>
      {shown.length < sessions.length && (
        <p className={styles.more}>
          <Button size="s" onClick={onAll}>
            {t("session.more_past", { count: sessions.length - shown.length })}
          </Button>
        </p>
      )}
    </div>
  );
}

function SessionRow({ session: it }: { session: WorkshopSession }) {
  const t = useText();
  const format = useFormat();
  const starting = it.counts.starting + it.counts.pool_starting;
  return (
    <tr>
      <td className={`${table.wide} ${styles.state}`}>
        <SessionStatus state={it.state} />
        {it.is_full && <span className={table.sub}>{t("session.closed_to_new")}</span>}
      </td>
      <th scope="row" className={table.wide}>
        <Link to="/admin/sessions/$id" params={{ id: it.id }} className={styles.name}>
          {it.name}
        </Link>
        <span className={table.sub}>{it.workshop_title}</span>
      </th>
      <td className={table.wide} data-label={t("session.column.when")}>
        <When session={it} />
      </td>
      <td className={table.num} data-label={t("session.column.seats")}>
        {t("session.seats_of", { joined: format.count(it.counts.joined), seats: format.count(it.seats) })}
      </td>
      <td className={table.num} data-label={t("session.column.ready")}>
        {format.count(it.counts.in_use + it.counts.pool_ready)}
        {starting > 0 && <span className={table.sub}>{t("session.starting", { count: starting })}</span>}
      </td>
      <td className={table.num} data-label={t("session.column.help")}>
        <Trouble count={it.counts.help} tone="warn" />
      </td>
      <td className={table.num} data-label={t("session.column.failed")}>
        <Trouble count={it.counts.failed} tone="down" />
      </td>
    </tr>
  );
}

/** A number that wants somebody, with a sign; nothing is a quiet zero. */
function Trouble({ count, tone }: { count: number; tone: "warn" | "down" }) {
  const format = useFormat();
  if (count === 0) return <span className={util.muted}>0</span>;
  return (
    <b className={tone === "warn" ? util.warn : util.down}>
      <Icon name={tone === "warn" ? "hand" : "cross"} /> {format.count(count)}
    </b>
  );
}

function When({ session: it }: { session: WorkshopSession }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const slots = { from: format.moment(it.starts_at, now_ms), until: format.moment(it.ends_at, now_ms) };
  const left = (Date.parse(it.ends_at) - now_ms) / 1_000;
  const until = (Date.parse(it.starts_at) - now_ms) / 1_000;
  return (
    <>
      {t("session.from_until", slots)}
      {it.state === "open" && left > 0 && (
        <span className={table.sub}>{t("session.ends_in", { duration: format.duration(left) })}</span>
      )}
      {(it.state === "scheduled" || it.state === "warming") && until > 0 && (
        <span className={table.sub}>{t("session.starts_in", { duration: format.duration(until) })}</span>
      )}
    </>
  );
}

function WorkshopTable({ workshops }: { workshops: readonly Workshop[] }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const may = useMay();
  return (
    <table className={`${table.table} ${table.cards}`}>
      <caption className={util.sr}>{t("workshop.title")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("workshop.column.title")}</th>
          <th scope="col">{t("workshop.column.environment")}</th>
          <th scope="col">{t("workshop.column.lasts")}</th>
          <th scope="col">{t("workshop.column.sessions")}</th>
          <th scope="col">{t("workshop.column.changed")}</th>
          <th scope="col">
            <span className={util.sr}>{t("column.actions")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {workshops.map((it) => (
          <tr key={it.id}>
            <th scope="row" className={table.wide}>
              <Link to="/admin/workshops/$id" params={{ id: it.id }} className={styles.name}>
                {it.title}
              </Link>
              {it.summary && <span className={table.sub}>{it.summary}</span>}
            </th>
            <td data-label={t("workshop.column.environment")}>
              {t(`driver.${it.driver}`)}
              <span className={table.sub}>{t(`preset.${it.preset}`)}</span>
            </td>
            <td data-label={t("workshop.column.lasts")}>{format.duration(it.duration_minutes * 60)}</td>
            <td data-label={t("workshop.column.sessions")}>{format.count(it.open_sessions)}</td>
            <td data-label={t("workshop.column.changed")}>
              <time dateTime={it.updated_at}>{format.moment(it.updated_at, now_ms)}</time>
              {it.created_by_email && <span className={table.sub}>{it.created_by_email}</span>}
            </td>
            <td className={`${table.wide} ${styles.actions}`}>
              {may("session_write") && (
                <ButtonLink
                  size="s"
                  to="/admin/sessions/new"
                  search={{ workshop: it.id }}
                  aria-label={t("session.new_of", { title: it.title })}
                >
                  {t("session.new")}
                </ButtonLink>
              )}
              {may("workshop_write") && (
                <ButtonLink
                  size="s"
                  look="ghost"
                  to="/admin/workshops/new"
                  search={{ from: it.id }}
                  aria-label={t("workshop.copy_of", { title: it.title })}
                >
                  {t("workshop.copy")}
                </ButtonLink>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

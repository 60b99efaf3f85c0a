/**
 * One session while it runs: how people come in, who waits for help, and every seat.
 *
 * Promises: follows by itself; who waits stands first; seats keep their place; whatever is done to
 * several people says whom it touches before it does. Does not: show what participants type.
 */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { problemOf } from "../../api/problem";
import { type Board, type Seat, sessionBoard, sessionCsv } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useNow } from "../../i18n/now";
import { useText } from "../../i18n/text";
import type { BoardSearch } from "../../routes/admin.sessions.$id.index";
import { Button, ButtonLink } from "../../ui/Button";
import { Failed, Note, Skeleton } from "../../ui/Faces";
import { PageHead, Section } from "../../ui/Page";
import { Crumb } from "../Crumb";
import { CsvLink } from "../CsvLink";
import { InfrastructureStatus } from "../InfrastructureStatus";
import { LiveMark } from "../LiveMark";
import { useMay } from "../may";
import { useProblemText } from "../ProblemNote";
import { STATES } from "../state";
import { AttentionList } from "./AttentionList";
import styles from "./BoardPage.module.css";
import type { Deed } from "./DeedDialog";
import { JoinLine } from "./JoinLine";
import { MoreSeats } from "./MoreSeats";
import { ReportSection } from "./ReportSection";
import { SeatStrip } from "./SeatStrip";
import { SeatsSection } from "./SeatsSection";
import { SessionStatus } from "./SessionStatus";
import { needsAttention } from "./words";

const DeedDialog = lazy(() => import("./DeedDialog"));
const RosterDialog = lazy(() => import("./RosterDialog"));
const SeatDialog = lazy(() => import("./SeatDialog"));
const SessionDelete = lazy(() => import("./SessionDelete"));

export function BoardPage({
  id,
  search,
  onSearch,
  onLeave,
}: {
  id: string;
  search: BoardSearch;
  onSearch: (change: BoardSearch) => void;
  onLeave: () => void;
}) {
  const t = useText();
  const may = useMay();
  const board = useQuery(sessionBoard(id));
  const problemText = useProblemText();
  const [deed, setDeed] = useState<Deed | null>(null);
  const [roster, setRoster] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const open = useCallback((it: Seat) => setOpened(it.id), []);
  if (!board.data) {
    if (!board.isError) return <Skeleton rows={6} height={72} label={t("face.loading")} />;
    const { title, hint } = problemText(problemOf(board.error));
    return (
      <Failed
        title={title}
        action={
          <Button icon="retry" onClick={() => void board.refetch()}>
            {t("face.try_again")}
          </Button>
        }
      >
        {hint}
      </Failed>
    );
  }
  const { session, seats } = board.data;
  const whyNot = may("session_write") ? null : t("why_not.train");
  const isOver = session.state === "ended" || session.state === "closing";
  const whyNotNow = whyNot ?? (isOver ? t("board.why_not_over") : null);
  const seat = seats.find((it) => it.id === opened);
  return (
    <>
      <PageHead
        title={session.name}
        crumb={<Crumb to="/admin/workshops">{t("tab.workshops")}</Crumb>}
        titleRow={<SessionStatus state={session.state} />}
        answer={<Answer board={board.data} />}
        actions={
          <>
            <TimeLeft session={session} />
            {(session.state === "open" || session.state === "warming") && (
              <Button
                icon="extend"
                whyNot={whyNotNow}
                onClick={() => setDeed({ deed: "extend", seats: "all" })}
              >
                {t("board.extend_all")}
              </Button>
            )}
          </>
        }
      />
      <div className={styles.join}>
        {!isOver && <JoinLine session={session} />}
        <dl className={styles.about}>
          <div>
            <dt>{t("session.field.workshop")}</dt>
            <dd>
              <Link to="/admin/workshops/$id" params={{ id: session.workshop_id }}>
                {session.workshop_title}
              </Link>
            </dd>
          </div>
          <div>
            <dt>{t("workshop.environment")}</dt>
            <dd>
              {t(`driver.${session.driver}`)}, {t(`preset.${session.preset}`)}
            </dd>
          </div>
          <div hidden={isOver}>
            <dt>{t("board.pool")}</dt>
            <dd>
              {t("board.pool_text", { ready: board.data.pool.ready, starting: board.data.pool.starting })}
            </dd>
          </div>
        </dl>
        <LiveMark at={board.data.observed_at} failed={board.isError} />
      </div>
      <Notes board={board.data} failed={board.isError ? problemText(problemOf(board.error)).title : null} />
      <SeatStrip session={session} seats={seats} show={search.show} onShow={(show) => onSearch({ show })} />
      <div className={styles.columns}>
        <div>
          {isOver && <ReportSection session={session} />}
          <AttentionList seats={seats} whyNot={whyNot} onDeed={setDeed} sessionId={id} onOpen={open} />
          <SeatsSection
            seats={seats}
            session={session}
            search={search}
            onSearch={onSearch}
            whyNot={whyNotNow}
            onDeed={setDeed}
            onOpen={open}
            end={
              <>
                <Button
                  size="s"
                  icon="message"
                  whyNot={whyNotNow}
                  onClick={() => setDeed({ deed: "message", seats: "all" })}
                >
                  {t("board.message_all")}
                </Button>
                {session.access === "roster" && (
                  <Button size="s" icon="user" whyNot={whyNotNow} onClick={() => setRoster(true)}>
                    {t("board.roster")}
                  </Button>
                )}
                {!whyNot && (
                  <ButtonLink size="s" icon="cards" to="/admin/sessions/$id/cards" params={{ id }}>
                    {t("board.cards")}
                  </ButtonLink>
                )}
                {seats.length > 0 && !isOver && <CsvLink href={sessionCsv(id)} />}
              </>
            }
          />
        </div>
        <aside>
          {!isOver && <MoreSeats session={session} />}
          <Where board={board.data} />
          <Section title={t("board.session")}>
            <div className={styles.actions}>
              {!isOver && may("session_write") && (
                <ButtonLink icon="edit" to="/admin/sessions/$id/edit" params={{ id }}>
                  {t("board.edit")}
                </ButtonLink>
              )}
              {!isOver && session.state !== "scheduled" && (
                <Button
                  look="danger"
                  icon="stop"
                  whyNot={whyNot}
                  onClick={() => setDeed({ deed: "end", seats: "all" })}
                >
                  {t("board.end")}
                </Button>
              )}
              {(session.state === "scheduled" || session.state === "ended") && (
                <Button look="danger" icon="trash" whyNot={whyNot} onClick={() => setDeleting(true)}>
                  {t("action.delete")}
                </Button>
              )}
            </div>
          </Section>
        </aside>
      </div>
      <Suspense>
        {deed && <DeedDialog board={board.data} deed={deed} onClose={() => setDeed(null)} />}
        {roster && <RosterDialog session={session} onClose={() => setRoster(false)} />}
        {seat && (
          <SeatDialog
            seat={seat}
            whyNot={whyNotNow}
            onClose={() => setOpened(null)}
            onDeed={(next) => {
              setOpened(null);
              setDeed(next);
            }}
          />
        )}
        {deleting && (
          <SessionDelete session={session} onClose={() => setDeleting(false)} onDeleted={onLeave} />
        )}
      </Suspense>
    </>
  );
}

/** The one sentence: is everybody at work? */
function Answer({ board: { session, seats: all, pool } }: { board: Board }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const { counts, seats } = session;
  const until = format.duration((Date.parse(session.starts_at) - now_ms) / 1_000);
  switch (session.state) {
    case "scheduled":
      return <>{t("board.answer_scheduled", { duration: until, seats })}</>;
    case "warming":
      return (
        <>{t("board.answer_warming", { duration: until, ready: pool.ready, pool: session.pool_initial })}</>
      );
    case "closing":
      return <>{t("board.answer_closing")}</>;
    case "ended":
      return <>{t("board.answer_ended", { joined: counts.joined })}</>;
    case "open":
      return (
        <>
          {t("board.answer", {
            ready: all.filter((it) => it.state === "ready").length,
            joined: counts.joined,
            seats,
            waiting: all.filter(needsAttention).length,
          })}
        </>
      );
  }
}

function TimeLeft({ session }: { session: Board["session"] }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  if (session.state !== "open") return null;
  const seconds = (Date.parse(session.ends_at) - now_ms) / 1_000;
  return (
    <p className={styles.left}>
      <b>{format.duration(seconds)}</b>{" "}
      {t("board.before_end", { moment: format.moment(session.ends_at, now_ms) })}
    </p>
  );
}

/** What makes this page less than whole, or the session less than well. */
function Notes({
  board: { session, seats, infrastructures },
  failed,
}: {
  board: Board;
  failed: string | null;
}) {
  const t = useText();
  const isOver = session.state === "ended" || session.state === "closing";
  const cannotStart = !isOver && seats.some((it) => it.reason === "too_many_failures");
  const away = infrastructures.filter((it) => it.environments > 0 && STATES[it.state].group === "down");
  if (!failed && away.length === 0 && !cannotStart && !session.is_full && (isOver || !session.message))
    return null;
  return (
    <div className={styles.notes}>
      {failed && (
        <Note tone="warn" icon="triangle" role="status">
          {t("list.not_refreshed")} {failed}
        </Note>
      )}
      {away.map((it) => (
        <Note key={it.id} tone="down" icon="plug" role="status">
          {t("board.infrastructure_away", { name: it.name, count: it.environments })}{" "}
          <Link to="/admin/infrastructures/$id" params={{ id: it.id }}>
            {t("board.look_there")}
          </Link>
        </Note>
      ))}
      {cannotStart && (
        <Note tone="down" icon="cross" role="status">
          {t("board.cannot_start")}
        </Note>
      )}
      {session.is_full && <Note icon="lock">{t("board.is_full")}</Note>}
      {session.message && !isOver && (
        <Note icon="message">
          <b>{t("board.message_now")}</b> {session.message}
        </Note>
      )}
    </div>
  );
}

/** On which infrastructures this session lives. */
function Where({ board: { session, infrastructures } }: { board: Board }) {
  const t = useText();
  const shown = useMemo(() => infrastructures.filter((it) => it.environments > 0), [infrastructures]);
  if (shown.length === 0) return null;
  return (
    <Section title={t("board.where")}>
      <ul className={styles.where}>
        {shown.map((it) => (
          <li key={it.id}>
            <Link to="/admin/infrastructures/$id" params={{ id: it.id }}>
              {it.name}
            </Link>
            <InfrastructureStatus state={it.state} />
            <Link
              to="/admin/environments"
              search={{ session: session.id, infrastructure: it.id }}
              className={styles.count}
            >
              {t("board.environments", { count: it.environments })}
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

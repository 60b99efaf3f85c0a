import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { auditList } from "../api/queries";
import type { AuditEntry } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText, useTextIfKnown } from "../i18n/text";
import { Button } from "../ui/Button";
import { Blank, Failed, Skeleton } from "../ui/Faces";
import { PageHead } from "../ui/Page";
import { Status } from "../ui/Status";
import table from "../ui/Table.module.css";
import styles from "./AuditPage.module.css";
import { CsvLink } from "./CsvLink";
import { useProblemText } from "./ProblemNote";

export function AuditPage() {
  const t = useText();
  const list = useInfiniteQuery(auditList());
  const problemText = useProblemText();
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHead
        title={t("tab.audit")}
        answer={t("audit.answer")}
        actions={entries.length > 0 && <CsvLink href="/api/admin/audit?format=csv" />}
      />
      {list.isPending && <Skeleton rows={8} height={52} label={t("face.loading")} />}
      {list.isError && !list.data && (
        <Failed
          title={problemText(problemOf(list.error)).title}
          action={
            <Button icon="retry" onClick={() => void list.refetch()}>
              {t("face.try_again")}
            </Button>
          }
        >
          {problemText(problemOf(list.error)).hint}
        </Failed>
      )}
      {list.data && entries.length === 0 && <Blank title={t("audit.empty")}>{t("audit.empty_text")}</Blank>}
      {entries.length > 0 && (
        <table className={`${table.table} ${table.cards} ${styles.table}`}>
          <thead>
            <tr>
              <th scope="col">{t("audit.when")}</th>
              <th scope="col">{t("audit.who")}</th>
              <th scope="col">{t("audit.what")}</th>
              <th scope="col">{t("audit.change")}</th>
              <th scope="col">{t("audit.from")}</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <AuditLine key={entry.id} entry={entry} />
            ))}
          </tbody>
        </table>
      )}
      {list.hasNextPage && (
        <p className={styles.more}>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("face.load_more")}
          </Button>
        </p>
      )}
    </>
  );
}

function AuditLine({ entry }: { entry: AuditEntry }) {
  const t = useText();
  const known = useTextIfKnown();
  const format = useFormat();
  const now_ms = useNow();
  const { actor, subject } = entry;
  return (
    <tr>
      <td className={styles.when} data-label={t("audit.when")}>
        <time dateTime={entry.at} title={format.exactly(entry.at)}>
          {format.moment(entry.at, now_ms)}
        </time>
      </td>
      <td className={styles.break} data-label={t("audit.who")}>
        {actor.email ??
          t(actor.kind === "system" ? "audit.system" : actor.kind === "cli" ? "audit.cli" : "audit.nobody")}
      </td>
      <td className={`${table.wide} ${styles.break}`}>
        <b>{known(`audit.action.${entry.action}`) ?? entry.action.replaceAll("_", " ")}</b>
        {entry.outcome === "refused" && (
          <span className={styles.refused}>
            <Status tone="down" icon="cross" small>
              {t("audit.refused")}
            </Status>
          </span>
        )}
        {subject.name && (
          <span className={table.sub}>
            {subject.kind === "infrastructure" && subject.id && entry.action !== "infrastructure_deleted" ? (
              <Link to="/admin/infrastructures/$id" params={{ id: subject.id }}>
                {subject.name}
              </Link>
            ) : (
              subject.name
            )}
          </span>
        )}
      </td>
      <td className={`${table.wide} ${styles.break}`}>
        <Changes before={entry.before} after={entry.after} />
      </td>
      <td className={styles.break} data-label={t("audit.from")}>
        <span className={styles.from}>{entry.address ?? "—"}</span>
      </td>
    </tr>
  );
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const written = (value: unknown): string =>
  value == null || value === "" ? "—" : typeof value === "object" ? JSON.stringify(value) : String(value);

/** `{source: {endpoint}}` as `source.endpoint`; labels stay together, because their keys are anyone's. */
function flat(value: unknown, path = ""): Fields {
  if (!isFields(value)) return {};
  return Object.entries(value).reduce<Fields>((all, [name, it]) => {
    const at = path ? `${path}.${name}` : name;
    if (isFields(it) && name !== "labels") Object.assign(all, flat(it, at));
    else all[at] = it;
    return all;
  }, {});
}

/** What was different afterwards, field by field. Secrets are not in it: the server never writes them. */
export function changesOf(before: unknown, after: unknown): { field: string; from: string; to: string }[] {
  const [was, is] = [flat(before), flat(after)];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .map((field) => ({ field, from: written(was[field]), to: written(is[field]) }))
    .filter(({ from, to }) => from !== to);
}

/** More than this stand behind a click: what was said when something was made is long. */
const CHANGES_SHOWN = 3;

function Changes({ before, after }: { before: unknown; after: unknown }) {
  const t = useText();
  const changes = changesOf(before, after);
  const rest = changes.slice(CHANGES_SHOWN);
  if (changes.length === 0) return null;
  return (
    <>
      <ChangeList changes={changes.slice(0, CHANGES_SHOWN)} />
      {rest.length > 0 && (
        <details className={styles.rest}>
          <summary>{t("audit.more", { count: rest.length })}</summary>
          <ChangeList changes={rest} />
        </details>
      )}
    </>
  );
}

/** Words of the API that the console says in the reader's language, by the field they stand in. */
const VALUE_WORDS: Record<string, string> = {
  mode: "mode",
  role: "role",
  environment: "environment_long",
  kind: "credential",
  driver: "driver",
  preset: "preset",
};

/** A value as people read it: known words, yes and no, moments; anything else as it was written. */
function useValueText(): (field: string, value: string) => string {
  const t = useText();
  const known = useTextIfKnown();
  const format = useFormat();
  return (field, value) => {
    const name = field.split(".").at(-1) ?? field;
    if (name === "labels") return value;
    if (value === "true" || value === "false") return t(value === "true" ? "audit.yes" : "audit.no");
    if (name.endsWith("_at") && !Number.isNaN(Date.parse(value))) return format.exactly(value);
    return (VALUE_WORDS[name] && known(`${VALUE_WORDS[name]}.${value}`)) || value;
  };
}

function ChangeList({ changes }: { changes: ReturnType<typeof changesOf> }) {
  const known = useTextIfKnown();
  const valueText = useValueText();
  return (
    <dl className={styles.changes}>
      {changes.map(({ field, from, to }) => (
        <div key={field}>
          <dt>{known(`audit.field.${field.split(".").at(-1)}`) ?? field}</dt>
          <dd>
            {from !== "—" && (
              <>
                <del>{valueText(field, from)}</del> →{" "}
              </>
            )}
            <ins>{valueText(field, to)}</ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** One cause: how bad, whom it concerns, since when, who has it, and what can be done about it. */
import { Link } from "@tanstack/react-router";
import { lazy, type ReactElement, useState } from "react";
import { alertMute, alertUnacknowledge, alertUnmute, useCommand } from "../api/commands";
import type { Alert, AlertGroup } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Button, ButtonLink } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { notify } from "../ui/Notices";
import { OnDemand } from "../ui/OnDemand";
import { Status } from "../ui/Status";
import { AcknowledgeForm } from "./AcknowledgeForm";
import styles from "./AlertGroupRow.module.css";
import { SEVERITIES, useAlertDetail, useGroupTitle, useSubjectName } from "./alertText";
import { useMay } from "./may";
import { useProblemText } from "./ProblemNote";

const loadMenu = () => import("./MuteMenu");
const MuteMenu = lazy(loadMenu);

/** Names on the line of a group; the rest stand in its list. */
const NAMED = 4;

export function AlertGroupRow({
  group,
  opened,
  quiet = false,
}: {
  group: AlertGroup;
  opened: boolean;
  quiet?: boolean;
}) {
  const t = useText();
  const may = useMay();
  const format = useFormat();
  const now_ms = useNow();
  const title = useGroupTitle()(group);
  const detail = useAlertDetail();
  const problemText = useProblemText();
  const [taking, setTaking] = useState(false);
  const [listed, setListed] = useState(opened);
  const whyNot = may("alert_acknowledge") ? null : t("why_not.operate");
  const each = async (run: (id: string) => Promise<unknown>) => {
    for (const { id } of group.alerts) await run(id);
  };
  const refresh = ["alerts", "stats"];
  const said = (text: string) => ({ refresh, onDone: () => notify(text) });
  const giveBack = useCommand(() => each(alertUnacknowledge), said(t("done.alert_given_back", { title })));
  const unmute = useCommand(() => each(alertUnmute), said(t("done.alert_unmuted", { title })));
  const mute = useCommand(
    (until: string) => each((id) => alertMute(id, until)),
    said(t("done.alert_muted", { title })),
  );
  const refused = [giveBack, unmute, mute].find((it) => it.error)?.error;
  const face = SEVERITIES[group.severity];
  const [first] = group.alerts;
  const taken = group.open === 0;
  const muted = group.alerts.some((it) => it.muted_until && Date.parse(it.muted_until) > now_ms);
  const muteButton = (
    <Button look="ghost" size="s" iconOnly icon="mute" busy={mute.isPending}>
      {t("alert.mute_for", { title })}
    </Button>
  );
  return (
    <article className={styles.row} data-taken={taken || undefined} id={`group-${group.id}`}>
      <Status tone={quiet ? "idle" : face.tone} icon={quiet ? "mute" : face.icon} small>
        {t(face.word)}
      </Status>
      <h3 className={styles.title}>{title}</h3>
      <div className={styles.detail}>
        {group.count === 1 && first ? (
          detail(first)
        ) : (
          <Names group={group} listed={listed} onList={() => setListed(!listed)} />
        )}
      </div>
      <div className={styles.who}>
        <b title={format.exactly(group.since)}>
          {format.duration((now_ms - Date.parse(group.since)) / 1_000)}
        </b>
        {first && <Holder group={group} alert={first} now_ms={now_ms} />}
      </div>
      <div className={styles.actions}>
        {first && <Remedy alert={first} many={group.count > 1} />}
        {taken ? (
          <Button
            size="s"
            whyNot={whyNot}
            busy={giveBack.isPending}
            onClick={() => giveBack.mutate(undefined)}
          >
            {t("alert.give_back")}
          </Button>
        ) : (
          <Button size="s" whyNot={whyNot} aria-expanded={taking} onClick={() => setTaking(!taking)}>
            {t("alert.acknowledge")}
          </Button>
        )}
        {muted ? (
          <Button size="s" whyNot={whyNot} busy={unmute.isPending} onClick={() => unmute.mutate(undefined)}>
            {t("alert.unmute")}
          </Button>
        ) : whyNot ? (
          <Button look="ghost" size="s" iconOnly icon="mute" whyNot={whyNot}>
            {t("alert.mute_for", { title })}
          </Button>
        ) : (
          <OnDemand
            load={loadMenu}
            button={muteButton}
            menu={<MuteMenu trigger={muteButton as ReactElement} onMute={(until) => mute.mutate(until)} />}
          />
        )}
      </div>
      {refused && (
        <p className={styles.refused} role="alert">
          {problemText(refused).title}
        </p>
      )}
      {listed && group.count > 1 && <Members group={group} />}
      {taking && !taken && <AcknowledgeForm group={group} onClose={() => setTaking(false)} />}
    </article>
  );
}

function Names({ group, listed, onList }: { group: AlertGroup; listed: boolean; onList: () => void }) {
  const t = useText();
  const names = group.infrastructures;
  return (
    <>
      {names.slice(0, NAMED).map(({ id, name }, n) => (
        <span key={id}>
          {n > 0 && " · "}
          <Link to="/admin/infrastructures/$id" params={{ id }}>
            {name}
          </Link>
        </span>
      ))}{" "}
      <button type="button" className={styles.list} aria-expanded={listed} onClick={onList}>
        {listed ? t("alert.hide_members") : t("alert.show_members", { count: group.count })}
      </button>
    </>
  );
}

/** Each alert of the group with its own reason and age. */
function Members({ group }: { group: AlertGroup }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const detail = useAlertDetail();
  const name = useSubjectName();
  const rest = group.count - group.alerts.length;
  return (
    <ul className={styles.members}>
      {group.alerts.map((it) => (
        <li key={it.id}>
          <b>{name(it)}</b> <span>{detail(it)}</span>{" "}
          <time dateTime={it.since}>{format.duration((now_ms - Date.parse(it.since)) / 1_000)}</time>
        </li>
      ))}
      {rest > 0 && <li>{t("alert.and_more", { count: rest })}</li>}
    </ul>
  );
}

/** Who has it and until when, or why it is quiet; nobody is the answer that wants an action. */
function Holder({ group, alert, now_ms }: { group: AlertGroup; alert: Alert; now_ms: number }) {
  const t = useText();
  const format = useFormat();
  if (alert.in_maintenance) return <span>{t("alert.in_maintenance")}</span>;
  if (alert.held_by) return <span>{t(`alert.held_by.${alert.held_by}`)}</span>;
  if (alert.muted_until && Date.parse(alert.muted_until) > now_ms) {
    return <span>{t("alert.muted_until", { moment: format.moment(alert.muted_until, now_ms) })}</span>;
  }
  if (group.open > 0) {
    return (
      <Status tone="warn" icon="user" small>
        {t("alert.nobody")}
      </Status>
    );
  }
  return (
    <span className={styles.holder} title={alert.acknowledge_note ?? undefined}>
      <Icon name="user" size={12} />
      {alert.acknowledged_until
        ? t("alert.taken_until", {
            who: alert.acknowledged_by ?? "—",
            moment: format.moment(alert.acknowledged_until, now_ms),
          })
        : t("alert.taken", { who: alert.acknowledged_by ?? "—" })}
    </span>
  );
}

/** The step that mends this kind of trouble, for one infrastructure. */
function Remedy({ alert: { rule, subject }, many }: { alert: Alert; many: boolean }) {
  const t = useText();
  const may = useMay();
  if (many || subject.kind === "fleet" || !subject.id) {
    return rule === "network_suspect" || rule === "disconnected" ? (
      <ButtonLink to="/admin/infrastructures" search={{ state: "down" }} size="s">
        {t("remedy.open")}
      </ButtonLink>
    ) : null;
  }
  const { id, name } = { id: subject.id, name: subject.name };
  const link = { to: "/admin/infrastructures/$id", params: { id }, size: "s" } as const;
  if (rule.startsWith("credential_") && may("infrastructure_write")) {
    return (
      <ButtonLink {...link} search={{ do: "replace" }} aria-label={t("remedy.replace_for", { name })}>
        {t("remedy.replace")}
      </ButtonLink>
    );
  }
  if (rule === "disconnected" && may("infrastructure_test")) {
    return (
      <ButtonLink {...link} search={{ do: "test" }} aria-label={t("remedy.test_for", { name })}>
        {t("remedy.test")}
      </ButtonLink>
    );
  }
  return (
    <ButtonLink {...link} aria-label={t("remedy.open_for", { name })}>
      {t("remedy.open")}
    </ButtonLink>
  );
}

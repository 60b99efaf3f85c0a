/** What the participant's header opens: the kubeconfig, a restart, help, and the seat itself. */
import { useId, useState } from "react";
import { useLanguage } from "../i18n/language";
import { useNow } from "../i18n/now";
import field from "../ui/Field.module.css";
import { useAct } from "./act";
import styles from "./dialogs.module.css";
import { Band, Button, CopyLine, Dialog, LanguageSwitch, ProblemBand } from "./parts";
import {
  codeWords,
  environmentRestart,
  helpAsk,
  kubeconfigFetch,
  type PortalView,
  seatLeave,
} from "./portal";
import { thisSeat } from "./seat";
import { useText } from "./text";
import { momentWords } from "./time";

const HELP_MAX = 500;

/** Gives a file that was fetched to the browser, under a name of ours: the commands beside it say it. */
function fileKeep(file: Blob, name: string) {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download has its own hold on it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function KubeconfigDialog({ view, onClose }: { view: PortalView; onClose: () => void }) {
  const t = useText();
  const { busy, problem, act } = useAct();
  const name = `nalabo-seat-${view.seat.number}.yaml`;
  // The same in sh, zsh and PowerShell.
  const path = `"$HOME/Downloads/${name}"`;
  const isWindows = navigator.userAgent.includes("Windows");
  return (
    <Dialog title={t("kubeconfig.title")} onClose={onClose}>
      <p>{t("kubeconfig.lead")}</p>
      {problem && <ProblemBand problem={problem} />}
      <Button
        look="primary"
        icon="download"
        data-first
        busy={busy}
        onClick={() =>
          void act(async () => {
            fileKeep(await kubeconfigFetch(), name);
            return undefined;
          })
        }
      >
        {t("kubeconfig.download")}
      </Button>
      <div className={styles.command}>
        <p>{t("kubeconfig.try")}</p>
        <CopyLine text={`kubectl --kubeconfig ${path} get pods`} label={t("page.copy")} />
      </div>
      <div className={styles.command}>
        <p>{t(isWindows ? "kubeconfig.keep_windows" : "kubeconfig.keep")}</p>
        <CopyLine
          text={isWindows ? `$env:KUBECONFIG = ${path}` : `export KUBECONFIG=${path}`}
          label={t("page.copy")}
        />
      </div>
      <Band tone="warn" icon="key">
        {t("kubeconfig.secret")}
      </Band>
    </Dialog>
  );
}

export function RestartDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const { busy, problem, act } = useAct();
  return (
    <Dialog title={t("restart.title")} onClose={onClose}>
      <p>{t("restart.lead")}</p>
      {problem && <ProblemBand problem={problem} />}
      <div className={styles.foot}>
        <Button data-first onClick={onClose}>
          {t("restart.no")}
        </Button>
        <Button
          look="danger"
          icon="retry"
          busy={busy}
          onClick={async () => {
            if (await act(environmentRestart)) onClose();
          }}
        >
          {t("restart.yes")}
        </Button>
      </div>
    </Dialog>
  );
}

export function HelpDialog({ view, onClose }: { view: PortalView; onClose: () => void }) {
  const t = useText();
  const language = useLanguage();
  const now_ms = useNow();
  const id = useId();
  const { busy, problem, act } = useAct();
  const [text, setText] = useState("");
  const since = view.seat.help_requested_at;
  return (
    <Dialog title={t("help.title")} onClose={onClose}>
      {since ? (
        <Band tone="ok" icon="check">
          {t("help.told", { time: momentWords(language, since, now_ms) })}
        </Band>
      ) : (
        <>
          <p>{t("help.lead")}</p>
          <div className={field.frame}>
            <label className={field.label} htmlFor={id}>
              {t("help.label")}
            </label>
            <textarea
              data-first
              id={id}
              className={`${field.control} ${styles.text}`}
              rows={3}
              maxLength={HELP_MAX}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        </>
      )}
      {problem && <ProblemBand problem={problem} />}
      <div className={styles.foot}>
        <Button onClick={onClose}>{t(since ? "page.close" : "page.cancel")}</Button>
        {since ? (
          <Button busy={busy} onClick={() => void act(() => helpAsk({ on: false }))}>
            {t("help.done")}
          </Button>
        ) : (
          <Button
            look="primary"
            icon="bell"
            busy={busy}
            onClick={() => void act(() => helpAsk({ on: true, text: text.trim() }))}
          >
            {t("help.send")}
          </Button>
        )}
      </div>
    </Dialog>
  );
}

export function SeatDialog({
  view,
  code,
  onClose,
  onRestart,
}: {
  view: PortalView;
  code: string | null;
  onClose: () => void;
  onRestart?: () => void;
}) {
  const t = useText();
  const { busy, problem, act } = useAct();
  const { seat } = view;
  const link = `${location.origin}/join${code ? `/${code}` : ""}`;
  return (
    <Dialog title={t("seat.title", { number: seat.number, name: seat.name })} onClose={onClose}>
      <div className={styles.command}>
        <p>{t("seat.key_label")}</p>
        <CopyLine text={codeWords(seat.key)} label={t("page.copy")} />
        <p className={styles.small}>{t("seat.key_lead", { link })}</p>
      </div>
      <LanguageSwitch />
      {problem && <ProblemBand problem={problem} />}
      {onRestart && (
        <div className={styles.act}>
          <Button icon="retry" onClick={onRestart}>
            {t("restart.do")}
          </Button>
        </div>
      )}
      <div className={styles.act}>
        <Button
          icon="out"
          busy={busy}
          onClick={async () => {
            if (await act(() => seatLeave().then(() => undefined))) thisSeat.forget();
          }}
        >
          {t("seat.leave")}
        </Button>
        <p className={styles.small}>{t("seat.leave_lead")}</p>
      </div>
    </Dialog>
  );
}

/** Who may come: names pasted or from a file; what could not be read is told line by line. */
import { useRef, useState } from "react";
import { useCommand } from "../../api/commands";
import type { ApiProblem } from "../../api/problem";
import { rosterSend, SESSION_NOUNS, type WorkshopSession } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Dialog, DialogFoot } from "../../ui/Dialog";
import { Note } from "../../ui/Faces";
import { TextArea } from "../../ui/Field";
import { notify } from "../../ui/Notices";
import util from "../../ui/util.module.css";
import { ProblemNote } from "../ProblemNote";

const FILE_MAX_BYTES = 1024 * 1024;

/** Lines that say somebody. */
const linesOf = (text: string) => text.split(/\r\n?|\n/).filter((it) => it.trim() !== "").length;

export default function RosterDialog({
  session,
  onClose,
}: {
  session: WorkshopSession;
  onClose: () => void;
}) {
  const t = useText();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [tooLarge, setTooLarge] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const send = useCommand((csv: string) => rosterSend(session.id, csv), {
    refresh: SESSION_NOUNS,
    onDone: ({ added, updated, refused }) => {
      notify(t("done.roster", { added, updated }), refused.length > 0 ? "down" : "ok");
      setProblem(null);
      if (refused.length === 0) onClose();
    },
  });
  const read = async (chosen: File | undefined) => {
    if (!chosen) return;
    setTooLarge(chosen.size > FILE_MAX_BYTES);
    if (chosen.size <= FILE_MAX_BYTES) setText(await chosen.text());
  };
  const count = linesOf(text);
  const refused = send.data?.refused ?? [];
  return (
    <Dialog open onClose={onClose} wide title={t("roster.title", { name: session.name })}>
      <form
        className={util.stack}
        onSubmit={(event) => {
          event.preventDefault();
          if (count > 0) send.mutate(text, { onError: setProblem });
        }}
      >
        {problem && <ProblemNote problem={problem} />}
        {tooLarge && (
          <Note tone="down" icon="cross" role="alert">
            {t("roster.too_large")}
          </Note>
        )}
        {refused.length > 0 && (
          <Note tone="warn" icon="triangle" role="alert">
            <b>{t("roster.refused", { count: refused.length })}</b>
            <ul>
              {refused.map((it) => (
                <li key={it.line}>{t("roster.refused_line", { line: it.line, detail: it.detail })}</li>
              ))}
            </ul>
          </Note>
        )}
        <TextArea
          label={t("roster.label")}
          hint={t("roster.hint")}
          value={text}
          onChange={({ target: { value } }) => setText(value)}
          placeholder={"Amina Benali;amina@example.org\nPaul Girard;paul@example.org\nsarah@example.org"}
          spellCheck={false}
          autoFocus
        />
        <DialogFoot>
          <Button
            type="submit"
            look="primary"
            busy={send.isPending}
            whyNot={count === 0 ? t("roster.why_not_empty") : null}
          >
            {t("roster.do", { count })}
          </Button>
          <Button icon="file" onClick={() => file.current?.click()}>
            {t("roster.file")}
          </Button>
          <Button look="ghost" onClick={onClose}>
            {t("action.close")}
          </Button>
          <input
            ref={file}
            type="file"
            accept=".csv,.txt,text/csv,text/plain"
            hidden
            onChange={({ target }) => {
              void read(target.files?.[0]);
              // The same file once more is a change again.
              target.value = "";
            }}
          />
        </DialogFoot>
      </form>
    </Dialog>
  );
}

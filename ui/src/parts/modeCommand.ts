import { defaultChoose, INFRASTRUCTURE_NOUNS, type ModeVerb, modeChange, useCommand } from "../api/commands";
import { problemOf } from "../api/problem";
import type { Infrastructure } from "../api/types";
import { type TextKey, useText } from "../i18n/text";
import { notify } from "../ui/Notices";
import { useProblemText } from "./ProblemNote";

const DONE: Record<ModeVerb | "default", TextKey> = {
  cordon: "done.cordon",
  uncordon: "done.uncordon",
  disable: "done.disable",
  enable: "done.enable",
  default: "done.default",
};

/** Changes the mode or the default, and says what came of it. */
export function useModeCommand(infrastructure: Infrastructure) {
  const t = useText();
  const problemText = useProblemText();
  const { id, name } = infrastructure;
  const command = useCommand(
    (verb: ModeVerb | "default") => (verb === "default" ? defaultChoose(id) : modeChange(id, verb)),
    { refresh: INFRASTRUCTURE_NOUNS, onDone: (_, verb) => notify(t(DONE[verb], { name })) },
  );
  const run = (verb: ModeVerb | "default") =>
    command.mutate(verb, { onError: (error) => notify(problemText(problemOf(error)).title, "down") });
  return { run, isPending: command.isPending };
}

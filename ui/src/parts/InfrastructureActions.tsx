import { Link } from "@tanstack/react-router";
import { defaultChoose, INFRASTRUCTURE_NOUNS, type ModeVerb, modeChange, useCommand } from "../api/commands";
import { problemOf } from "../api/problem";
import type { Infrastructure } from "../api/types";
import { type TextKey, useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Menu, MenuItem, MenuRule } from "../ui/Menu";
import { notify } from "../ui/Notices";
import type { OpenDialog } from "./InfrastructureDialogs";
import { useMay } from "./may";
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

/** Everything that can be done to one infrastructure. What is not possible now stays, and says why. */
export function InfrastructureActions({
  infrastructure: it,
  onOpen,
  onPage = false,
}: {
  infrastructure: Infrastructure;
  onOpen: (dialog: OpenDialog) => void;
  /** On its own page testing and cordoning have buttons of their own. */
  onPage?: boolean;
}) {
  const t = useText();
  const may = useMay();
  const { run } = useModeCommand(it);
  const disabled = it.mode === "disabled";
  const whyNotWrite = may("infrastructure_write") ? null : t("why_not.write");
  const whyNotOperate = may("infrastructure_test") ? null : t("why_not.operate");
  return (
    <Menu
      trigger={
        <Button look={onPage ? "default" : "ghost"} size={onPage ? "m" : "s"} iconOnly icon="more">
          {t("action.more_for", { name: it.name })}
        </Button>
      }
    >
      {!onPage && (
        <MenuItem
          icon="pulse"
          whyNot={whyNotOperate ?? (disabled ? t("why_not.disabled", { name: it.name }) : null)}
          render={<Link to="/admin/infrastructures/$id" params={{ id: it.id }} search={{ do: "test" }} />}
        >
          {t("action.test")}
        </MenuItem>
      )}
      <MenuItem
        icon="edit"
        whyNot={whyNotWrite}
        onSelect={() => onOpen({ kind: "edit", infrastructure: it })}
      >
        {t("action.edit")}
      </MenuItem>
      <MenuItem
        icon="key"
        whyNot={whyNotWrite}
        onSelect={() => onOpen({ kind: "replace", infrastructure: it })}
      >
        {t("action.replace")}
      </MenuItem>
      <MenuItem
        icon="star"
        whyNot={
          whyNotWrite ??
          (it.is_default
            ? t("why_not.already_default", { name: it.name })
            : disabled
              ? t("why_not.disabled", { name: it.name })
              : null)
        }
        onSelect={() => run("default")}
      >
        {t("action.make_default")}
      </MenuItem>
      <MenuRule />
      {it.mode === "cordoned" ? (
        <MenuItem icon="check" whyNot={whyNotOperate} onSelect={() => run("uncordon")}>
          {t("action.uncordon")}
        </MenuItem>
      ) : (
        <MenuItem
          icon="cordon"
          whyNot={whyNotOperate ?? (disabled ? t("why_not.disabled", { name: it.name }) : null)}
          onSelect={() => run("cordon")}
        >
          {t("action.cordon")}
        </MenuItem>
      )}
      {disabled ? (
        <MenuItem icon="retry" whyNot={whyNotWrite} onSelect={() => run("enable")}>
          {t("action.enable")}
        </MenuItem>
      ) : (
        <MenuItem icon="pause" whyNot={whyNotWrite} onSelect={() => run("disable")}>
          {t("action.disable")}
        </MenuItem>
      )}
      <MenuRule />
      <MenuItem
        icon="trash"
        danger
        whyNot={whyNotWrite}
        onSelect={() => onOpen({ kind: "delete", infrastructure: it })}
      >
        {t("action.delete")}
      </MenuItem>
    </Menu>
  );
}

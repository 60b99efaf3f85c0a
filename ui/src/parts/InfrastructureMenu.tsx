import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import type { Infrastructure } from "../api/types";
import { useText } from "../i18n/text";
import { Menu, MenuItem, MenuRule } from "../ui/Menu";
import type { OpenDialog } from "./InfrastructureDialogs";
import { useMay } from "./may";
import { useModeCommand } from "./modeCommand";

/** Everything that can be done to one infrastructure. What is not possible now stays, and says why. */
export default function InfrastructureMenu({
  infrastructure: it,
  onOpen,
  onPage,
  trigger,
}: {
  infrastructure: Infrastructure;
  onOpen: (dialog: OpenDialog) => void;
  /** On its own page testing and cordoning have buttons of their own. */
  onPage: boolean;
  trigger: ReactElement;
}) {
  const t = useText();
  const may = useMay();
  const { run } = useModeCommand(it);
  const disabled = it.mode === "disabled";
  const whyNotWrite = may("infrastructure_write") ? null : t("why_not.write");
  const whyNotOperate = may("infrastructure_test") ? null : t("why_not.operate");
  return (
    <Menu trigger={trigger}>
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

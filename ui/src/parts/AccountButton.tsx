import { lazy } from "react";
import { useText } from "../i18n/text";
import { OnDemand } from "../ui/OnDemand";
import util from "../ui/util.module.css";
import styles from "./AccountMenu.module.css";

const load = () => import("./AccountMenu");
const AccountMenu = lazy(load);

/** Two letters for a person, from the name or else the address. */
function initialsOf(user: { name: string; email: string }): string {
  const words = (user.name.trim() || (user.email.split("@")[0] ?? "")).split(/[\s._-]+/).filter(Boolean);
  return `${words[0]?.[0] ?? "?"}${words.length > 1 ? (words.at(-1)?.[0] ?? "") : ""}`.toLocaleUpperCase();
}

/** The person who is signed in, and the way to language, theme, account and out. */
export function AccountButton({
  user,
  onShortcuts,
}: {
  user: { name: string; email: string };
  onShortcuts: () => void;
}) {
  const t = useText();
  const button = (
    <button type="button" className={styles.who}>
      {initialsOf(user)} <span className={util.sr}>{t("account.menu", { email: user.email })}</span>
    </button>
  );
  const menu = <AccountMenu user={user} onShortcuts={onShortcuts} trigger={button} />;
  return <OnDemand load={load} button={button} menu={menu} />;
}

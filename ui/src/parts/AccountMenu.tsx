import { useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { signOut } from "../api/commands";
import { problemOf } from "../api/problem";
import { type Language, useLanguage } from "../i18n/language";
import { languageSwitch, useText } from "../i18n/text";
import { Menu, MenuChoice, MenuItem, MenuRule, MenuWords } from "../ui/Menu";
import { notify } from "../ui/Notices";
import { type Theme, themeChoose, useTheme } from "../ui/theme";
import styles from "./AccountMenu.module.css";
import { useProblemText } from "./ProblemNote";

/** Languages are named in themselves, so that who reads only one finds it. */
const LANGUAGES: readonly { value: Language; label: string }[] = [
  { value: "en", label: "English" },
  { value: "fr", label: "Français" },
];

export default function AccountMenu({
  user,
  onShortcuts,
  trigger,
}: {
  user: { name: string; email: string };
  onShortcuts: () => void;
  trigger: ReactElement;
}) {
  const t = useText();
  const language = useLanguage();
  const theme = useTheme();
  const cache = useQueryClient();
  const router = useRouter();
  const problemText = useProblemText();
  const themes: { value: Theme; label: string }[] = [
    { value: "system", label: t("theme.system") },
    { value: "light", label: t("theme.light") },
    { value: "dark", label: t("theme.dark") },
  ];
  const leave = async () => {
    try {
      await signOut();
    } catch (error) {
      notify(problemText(problemOf(error)).title, "down");
      return;
    }
    await router.navigate({ to: "/login" });
    cache.clear();
  };
  return (
    <Menu trigger={trigger}>
      <MenuWords>
        {user.name && <b>{user.name}</b>}
        <div className={styles.email}>{user.email}</div>
      </MenuWords>
      <MenuRule />
      <MenuItem icon="user" render={<Link to="/admin/account" />}>
        {t("account.open")}
      </MenuItem>
      <MenuItem icon="info" onSelect={onShortcuts}>
        {t("shortcut.title")}
      </MenuItem>
      <MenuRule />
      <MenuChoice
        label={t("account.language")}
        value={language}
        options={LANGUAGES}
        onChoose={(next) => void languageSwitch(next)}
      />
      <MenuChoice label={t("account.theme")} value={theme} options={themes} onChoose={themeChoose} />
      <MenuRule />
      <MenuItem icon="out" onSelect={() => void leave()}>
        {t("account.sign_out")}
      </MenuItem>
    </Menu>
  );
}

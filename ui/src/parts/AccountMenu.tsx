import { useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { signOut } from "../api/commands";
import { problemOf } from "../api/problem";
import { type Language, languageChoose, useLanguage } from "../i18n/language";
import { catalogueLoad, useText } from "../i18n/text";
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

/** Two letters for a person, from the name or else the address. */
function initialsOf(user: { name: string; email: string }): string {
  const words = (user.name.trim() || (user.email.split("@")[0] ?? "")).split(/[\s._-]+/).filter(Boolean);
  return `${words[0]?.[0] ?? "?"}${words.length > 1 ? (words.at(-1)?.[0] ?? "") : ""}`.toLocaleUpperCase();
}

/** Changes the language once its texts have arrived, so that nothing is drawn without words. */
export async function languageSwitch(language: Language): Promise<void> {
  await catalogueLoad(language);
  languageChoose(language);
}

export function AccountMenu({
  user,
  onShortcuts,
}: {
  user: { name: string; email: string };
  onShortcuts: () => void;
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
    <Menu
      trigger={
        <button type="button" className={styles.who} aria-label={t("account.menu", { email: user.email })}>
          {initialsOf(user)}
        </button>
      }
    >
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

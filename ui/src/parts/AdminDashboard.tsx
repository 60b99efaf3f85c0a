/**
 * The shell of the back-office: tabs, search, account, and what every page shares.
 *
 * Promises: one main landmark, a skip link, focus on the new page's heading after navigation, the
 * keys of the shortcut list, and the live connection. Does not: fetch what pages show.
 */
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouter, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useServerEvents } from "../api/events";
import { me } from "../api/queries";
import type { Permission } from "../api/types";
import { type TextKey, useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import type { IconName } from "../ui/icons";
import { Notices } from "../ui/Notices";
import { AccountButton } from "./AccountButton";
import styles from "./AdminDashboard.module.css";
import { AlertBadge } from "./AlertBadge";
import { Brand } from "./Brand";
import { MoreButton } from "./MoreButton";
import { useShortcuts } from "./shortcuts";

const ShortcutList = lazy(() => import("./ShortcutList"));
const BrowserNotifier = lazy(() => import("./BrowserNotices"));

export interface Tab {
  to:
    | "/admin"
    | "/admin/infrastructures"
    | "/admin/resources"
    | "/admin/environments"
    | "/admin/workshops"
    | "/admin/alerts"
    | "/admin/audit"
    | "/admin/settings";
  word: TextKey;
  /** Where there is little room. */
  shortWord?: TextKey;
  icon: IconName;
  exact?: boolean;
  /** Other addresses that belong to it. */
  also?: string;
  /** What somebody must be allowed to find anything there. */
  needs?: Permission;
  /** On the phone it stands at the bottom; the others are one touch further. */
  first?: boolean;
}

const TABS: readonly Tab[] = [
  { to: "/admin", word: "tab.overview", shortWord: "tab.home", icon: "pulse", exact: true, first: true },
  { to: "/admin/infrastructures", word: "tab.infrastructures", icon: "server", first: true },
  { to: "/admin/resources", word: "tab.resources", icon: "grid" },
  { to: "/admin/environments", word: "tab.environments", icon: "box", needs: "environment_read" },
  {
    to: "/admin/workshops",
    word: "tab.workshops",
    icon: "book",
    also: "/admin/sessions",
    needs: "workshop_read",
    first: true,
  },
  { to: "/admin/alerts", word: "tab.alerts", icon: "bell", first: true },
  { to: "/admin/audit", word: "tab.audit", icon: "rows", needs: "audit_read" },
  { to: "/admin/settings", word: "tab.settings", icon: "sliders", needs: "settings_read" },
];

/** Focus goes to the heading of the page that was opened, so that it is read and tabbing starts there. */
function useFocusOnNavigation() {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current !== undefined && path !== undefined && before.current !== path) {
      document.querySelector<HTMLElement>("[data-page-heading]")?.focus({ preventScroll: true });
    }
    before.current = path;
  }, [path]);
}

export function AdminDashboard() {
  const t = useText();
  const router = useRouter();
  const { data } = useSuspenseQuery(me());
  const [keysShown, setKeysShown] = useState(false);
  useServerEvents();
  useFocusOnNavigation();

  const search = async () => {
    const field = () => document.querySelector<HTMLInputElement>("[data-search]");
    if (!field()) await router.navigate({ to: "/admin/infrastructures" });
    // The page is drawn one frame after the router has it.
    requestAnimationFrame(() => field()?.focus());
  };
  useShortcuts({
    "/": () => void search(),
    "?": () => setKeysShown(true),
    "g o": () => void router.navigate({ to: "/admin" }),
    "g i": () => void router.navigate({ to: "/admin/infrastructures" }),
    "g r": () => void router.navigate({ to: "/admin/resources" }),
    "g e": () => void router.navigate({ to: "/admin/environments" }),
    "g w": () => void router.navigate({ to: "/admin/workshops" }),
    "g a": () => void router.navigate({ to: "/admin/alerts" }),
    "g u": () => void router.navigate({ to: "/admin/audit" }),
  });

  const permissions: readonly Permission[] = data.permissions;
  const tabs = TABS.filter(({ needs }) => needs === undefined || permissions.includes(needs));
  const path = useRouterState({ select: (state) => state.location.pathname });
  /** A page below another address may belong to a tab as well. */
  const current = ({ also }: Tab) =>
    also && path.startsWith(also) ? ({ "aria-current": "page" } as const) : {};
  return (
    <>
      <a className={styles.skip} href="#main">
        {t("shell.skip")}
      </a>
      <header className={styles.top}>
        <Link to="/admin" className={styles.brand} aria-label={t("shell.home")}>
          <Brand />
        </Link>
        <nav className={styles.tabs} aria-label={t("shell.main_navigation")}>
          {tabs.map((tab) => (
            <Link
              key={tab.to}
              to={tab.to}
              activeOptions={{ exact: tab.exact ?? false, includeSearch: false }}
              {...current(tab)}
            >
              {t(tab.word)}
              {tab.to === "/admin/alerts" && <AlertBadge />}
            </Link>
          ))}
        </nav>
        <div className={styles.tools}>
          <button
            type="button"
            className={styles.find}
            onClick={() => void search()}
            aria-label={t("shell.search")}
          >
            <Icon name="search" />
            <span>{t("shell.search")}</span>
            <kbd>/</kbd>
          </button>
          <AccountButton user={data.user} onShortcuts={() => setKeysShown(true)} />
        </div>
      </header>
      {/* A page of a production infrastructure puts its band here. */}
      <div id="band" className={styles.band} />
      <main id="main" className={styles.main} tabIndex={-1}>
        <Outlet />
      </main>
      <nav className={styles.bottom} aria-label={t("shell.main_navigation")}>
        {tabs
          .filter((tab) => tab.first)
          .map((tab) => (
            <Link
              key={tab.to}
              to={tab.to}
              activeOptions={{ exact: tab.exact ?? false, includeSearch: false }}
              {...current(tab)}
            >
              <Icon name={tab.icon} size={20} />
              {tab.to === "/admin/alerts" && <AlertBadge onIcon />}
              {t(tab.shortWord ?? tab.word)}
            </Link>
          ))}
        <MoreButton tabs={tabs.filter((tab) => !tab.first)} path={path} />
      </nav>
      <Notices />
      {globalThis.Notification?.permission === "granted" && (
        <Suspense>
          <BrowserNotifier />
        </Suspense>
      )}
      {keysShown && (
        <Suspense>
          <ShortcutList onClose={() => setKeysShown(false)} />
        </Suspense>
      )}
    </>
  );
}

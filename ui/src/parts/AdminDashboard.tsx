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
import { type TextKey, useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import type { IconName } from "../ui/icons";
import { Notices } from "../ui/Notices";
import { AccountButton } from "./AccountButton";
import styles from "./AdminDashboard.module.css";
import { AlertBadge } from "./AlertBadge";
import { Brand } from "./Brand";
import { useShortcuts } from "./shortcuts";

const ShortcutList = lazy(() => import("./ShortcutList"));
const BrowserNotifier = lazy(() => import("./BrowserNotices"));

interface Tab {
  to: "/admin" | "/admin/infrastructures" | "/admin/resources" | "/admin/alerts" | "/admin/audit";
  word: TextKey;
  /** Where there is little room. */
  shortWord?: TextKey;
  icon: IconName;
  exact?: boolean;
}

const TABS: readonly Tab[] = [
  { to: "/admin", word: "tab.overview", shortWord: "tab.home", icon: "pulse", exact: true },
  { to: "/admin/infrastructures", word: "tab.infrastructures", icon: "server" },
  { to: "/admin/resources", word: "tab.resources", icon: "grid" },
  { to: "/admin/alerts", word: "tab.alerts", icon: "bell" },
  { to: "/admin/audit", word: "tab.audit", icon: "rows" },
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
    "g a": () => void router.navigate({ to: "/admin/alerts" }),
    "g u": () => void router.navigate({ to: "/admin/audit" }),
  });

  const mayAudit = data.permissions.includes("audit_read");
  const tabs = TABS.filter((tab) => tab.to !== "/admin/audit" || mayAudit);
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
        {tabs.map((tab) => (
          <Link key={tab.to} to={tab.to} activeOptions={{ exact: tab.exact ?? false, includeSearch: false }}>
            <Icon name={tab.icon} size={20} />
            {tab.to === "/admin/alerts" && <AlertBadge onIcon />}
            {t(tab.shortWord ?? tab.word)}
          </Link>
        ))}
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

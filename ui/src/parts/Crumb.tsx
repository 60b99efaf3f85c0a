import { Link, type LinkProps } from "@tanstack/react-router";
import { useText } from "../i18n/text";

/** The way back to the list that a page belongs to. */
export function Crumb({ to, params, children }: Pick<LinkProps, "to" | "params"> & { children: string }) {
  const t = useText();
  return (
    <nav aria-label={t("infrastructure.breadcrumb")}>
      <Link to={to} params={params}>
        {children}
      </Link>{" "}
      /
    </nav>
  );
}

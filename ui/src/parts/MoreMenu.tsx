import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { useText } from "../i18n/text";
import { Menu, MenuItem } from "../ui/Menu";
import type { Tab } from "./AdminDashboard";

export default function MoreMenu({ trigger, tabs }: { trigger: ReactElement; tabs: readonly Tab[] }) {
  const t = useText();
  return (
    <Menu trigger={trigger}>
      {tabs.map((tab) => (
        <MenuItem key={tab.to} icon={tab.icon} render={<Link to={tab.to} />}>
          {t(tab.word)}
        </MenuItem>
      ))}
    </Menu>
  );
}

import type { ReactElement } from "react";
import { type TextKey, useText } from "../i18n/text";
import { Menu, MenuItem } from "../ui/Menu";

const HOURS: readonly { hours: number; word: TextKey }[] = [
  { hours: 1, word: "alert.mute.hour" },
  { hours: 8, word: "alert.mute.eight_hours" },
  { hours: 24, word: "alert.mute.day" },
  { hours: 24 * 7, word: "alert.mute.week" },
];

/** For how long nobody wants to hear of it. It stays on the page, among what is quiet. */
export default function MuteMenu({
  trigger,
  onMute,
}: {
  trigger: ReactElement;
  onMute: (until: string) => void;
}) {
  const t = useText();
  return (
    <Menu trigger={trigger}>
      {HOURS.map(({ hours, word }) => (
        <MenuItem
          key={hours}
          icon="mute"
          onSelect={() => onMute(new Date(Date.now() + hours * 3_600_000).toISOString())}
        >
          {t(word)}
        </MenuItem>
      ))}
    </Menu>
  );
}

/**
 * A button whose menu is fetched when somebody reaches for it.
 *
 * Menus bring a floating layer that costs more than a page; a table has one in every row. Promises:
 * the button looks and reads the same before and after, and opens with one click or key. Does not:
 * fetch anything for whoever only looks.
 */
import {
  cloneElement,
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  Suspense,
  useState,
} from "react";

const OPENING_KEYS: readonly string[] = ["ArrowDown", "ArrowUp"];

export function OnDemand({
  load,
  button,
  menu,
}: {
  /** Starts fetching; called when the button is pointed at or focused. */
  load: () => Promise<unknown>;
  button: ReactElement;
  /** The button with its menu, opening at once. */
  menu: ReactNode;
}) {
  const [wanted, setWanted] = useState(false);
  if (wanted) return <Suspense fallback={button}>{menu}</Suspense>;
  const want = () => setWanted(true);
  return cloneElement(button as ReactElement<Record<string, unknown>>, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: () => void load(),
    onFocus: () => void load(),
    onClick: want,
    onKeyDown: (event: KeyboardEvent) => {
      if (!OPENING_KEYS.includes(event.key)) return;
      event.preventDefault();
      want();
    },
  });
}

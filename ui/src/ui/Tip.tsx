/**
 * One tooltip for the whole console, shown on hover and on focus.
 *
 * Promises: one floating layer however many triggers there are, so a table of 1,000 rows stays
 * light. Does not: hold anything that cannot be read elsewhere or by assistive technology.
 */
import { Tooltip } from "@base-ui/react/tooltip";
import type { ReactElement, ReactNode } from "react";
import styles from "./Tip.module.css";

const handle = Tooltip.createHandle<ReactNode>();

/** Gives `render` a tooltip. */
export function TipTrigger({ content, render }: { content: ReactNode; render: ReactElement }) {
  return <Tooltip.Trigger handle={handle} payload={content} render={render} delay={250} />;
}

/** The layer itself; stands once, beside the routes. */
export function TipLayer() {
  return (
    <Tooltip.Provider>
      <Tooltip.Root handle={handle}>
        {({ payload }) => (
          <Tooltip.Portal>
            <Tooltip.Positioner sideOffset={6} className={styles.positioner} collisionPadding={8}>
              <Tooltip.Popup className={styles.tip}>{payload}</Tooltip.Popup>
            </Tooltip.Positioner>
          </Tooltip.Portal>
        )}
      </Tooltip.Root>
    </Tooltip.Provider>
  );
}

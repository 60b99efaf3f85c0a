import { Menu as Base } from "@base-ui/react/menu";
import type { ReactElement, ReactNode } from "react";
import { Icon } from "./Icon";
import type { IconName } from "./icons";
import styles from "./Menu.module.css";

/** A list of actions or of places behind one button; it opens as soon as it is drawn (see `OnDemand`). */
export function Menu({
  trigger,
  align = "end",
  children,
}: {
  trigger: ReactElement;
  align?: "start" | "end";
  children: ReactNode;
}) {
  return (
    <Base.Root modal={false} defaultOpen>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner align={align} sideOffset={4} collisionPadding={8} className={styles.positioner}>
          <Base.Popup className={styles.popup}>{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

/** One action. One that is not possible stays, and says why in its second line. */
export function MenuItem({
  icon,
  onSelect,
  whyNot,
  danger = false,
  render,
  children,
}: {
  icon?: IconName;
  onSelect?: () => void;
  whyNot?: string | null | undefined;
  danger?: boolean;
  /** A link to stand in for the item, when it goes to a page. */
  render?: ReactElement;
  children: ReactNode;
}) {
  const face = (
    <>
      {icon ? <Icon name={icon} /> : <span className={styles.noIcon} />}
      <span>
        {children}
        {whyNot && <span className={styles.why}>{whyNot}</span>}
      </span>
    </>
  );
  return (
    <Base.Item
      className={styles.item}
      data-danger={danger || undefined}
      disabled={Boolean(whyNot)}
      onClick={() => onSelect?.()}
      {...(render ? { render, nativeButton: false } : {})}
    >
      {face}
    </Base.Item>
  );
}

/** A choice of one among few, inside a menu. */
export function MenuChoice<Value extends string>({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: Value;
  options: readonly { value: Value; label: ReactNode }[];
  onChoose: (value: Value) => void;
}) {
  return (
    <Base.Group>
      <Base.GroupLabel className={styles.label}>{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(next) => onChoose(next as Value)}>
        {options.map((option) => (
          <Base.RadioItem
            key={option.value}
            value={option.value}
            className={styles.item}
            closeOnClick={false}
          >
            <span className={styles.noIcon}>
              <Base.RadioItemIndicator>
                <Icon name="tick" />
              </Base.RadioItemIndicator>
            </span>
            <span>{option.label}</span>
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}

export const MenuRule = () => <Base.Separator className={styles.rule} />;
export const MenuWords = ({ children }: { children: ReactNode }) => (
  <div className={styles.words}>{children}</div>
);

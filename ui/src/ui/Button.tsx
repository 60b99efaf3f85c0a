import { createLink, type LinkComponent } from "@tanstack/react-router";
import { type ComponentProps, forwardRef, type ReactNode, useId } from "react";
import styles from "./Button.module.css";
import { Icon } from "./Icon";
import type { IconName } from "./icons";
import { TipTrigger } from "./Tip";
import util from "./util.module.css";

interface Look {
  look?: "default" | "primary" | "ghost" | "danger";
  size?: "m" | "s";
  icon?: IconName | undefined;
  /** Shows the icon alone; the label is still read aloud. */
  iconOnly?: boolean;
}

function lookClass({ look = "default", size = "m", iconOnly }: Look, extra?: string) {
  return [styles.button, styles[look], styles[size], iconOnly && styles.iconOnly, extra]
    .filter(Boolean)
    .join(" ");
}

function Face({ icon, iconOnly, busy, children }: Look & { busy?: boolean; children: ReactNode }) {
  return (
    <>
      {busy ? <Icon name="spinner" spin /> : icon && <Icon name={icon} />}
      {iconOnly ? <span className={util.sr}>{children}</span> : children}
    </>
  );
}

type ButtonProps = Look &
  Omit<ComponentProps<"button">, "disabled"> & {
    /** Why it cannot be used now. It keeps its place, can be focused, and says so. */
    whyNot?: string | null | undefined;
    busy?: boolean | undefined;
  };

/** A button. One that cannot be used says why instead of disappearing. */
export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { look, size, icon, iconOnly, whyNot, busy, className, onClick, children, type = "button", ...rest },
  ref,
) {
  const reasonId = useId();
  const off = Boolean(whyNot) || busy;
  const face = (
    <>
      <Face icon={icon} iconOnly={iconOnly ?? false} busy={busy ?? false}>
        {children}
      </Face>
      {whyNot && (
        <span id={reasonId} className={util.sr}>
          {whyNot}
        </span>
      )}
    </>
  );
  const shared = {
    ...rest,
    ref,
    type,
    className: lookClass({ look, size, iconOnly } as Look, className),
    "aria-disabled": off || undefined,
    "aria-busy": busy || undefined,
    "aria-describedby": whyNot ? reasonId : rest["aria-describedby"],
    // A form must not be sent by a button that is off, so the click stops here.
    onClick: off ? (event: React.MouseEvent) => event.preventDefault() : onClick,
  } as ComponentProps<"button">;
  const tip = whyNot ?? (iconOnly && typeof children === "string" ? children : null);
  if (tip) return <TipTrigger content={tip} render={<button {...shared}>{face}</button>} />;
  return <button {...shared}>{face}</button>;
});

const AnchorLook = forwardRef<HTMLAnchorElement, Look & ComponentProps<"a">>(function AnchorLook(
  { look, size, icon, iconOnly, className, children, ...rest },
  ref,
) {
  return (
    <a {...rest} ref={ref} className={lookClass({ look, size, iconOnly } as Look, className)}>
      <Face icon={icon} iconOnly={iconOnly ?? false}>
        {children}
      </Face>
    </a>
  );
});

const RoutedLink = createLink(AnchorLook);
/** A link that looks like a button: it goes somewhere, so it stays a link. */
export const ButtonLink: LinkComponent<typeof AnchorLook> = (props) => <RoutedLink {...props} />;

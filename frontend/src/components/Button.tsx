/**
 * The one button. When it may not be pressed it stays, says why, and keeps the focus: a browser takes that from a
 * button that becomes `disabled`, and with it Escape from the dialog around.
 */
import { useId, type MouseEvent, type ReactNode } from "react";
import { classes } from "../lib/classes";
import styles from "./Button.module.css";

interface ButtonProps {
  children: ReactNode;
  onClick?: () => void;
  kind?: "primary" | "plain" | "danger";
  type?: "button" | "submit";
  busy?: boolean;
  /** Why it cannot be pressed now. */
  forbidden?: string | undefined;
  /** Stands between the button and the reason. */
  beside?: ReactNode;
}

export function Button({
  children,
  onClick,
  kind = "plain",
  type = "button",
  busy = false,
  forbidden,
  beside,
}: ButtonProps) {
  const reason = useId();
  const idle = busy || forbidden !== undefined;
  const press = (event: MouseEvent) => (idle ? event.preventDefault() : onClick?.());
  return (
    <span className={styles.wrap}>
      <button
        type={type}
        className={classes(styles.button, styles[kind])}
        aria-disabled={idle}
        aria-busy={busy}
        aria-describedby={forbidden ? reason : undefined}
        onClick={press}
      >
        {children}
      </button>
      {beside}
      {forbidden ? (
        <span id={reason} className={styles.reason}>
          {forbidden}
        </span>
      ) : null}
    </span>
  );
}

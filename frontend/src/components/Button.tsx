/** The one button. When it may not be pressed it stays and says why. */
import { useId, type ReactNode } from "react";
import { classes } from "../lib/classes";
import styles from "./Button.module.css";

interface ButtonProps {
  children: ReactNode;
  onClick?: () => void;
  kind?: "primary" | "plain" | "danger";
  type?: "button" | "submit";
  busy?: boolean;
  /** Why it cannot be pressed now; disables the button. */
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
  return (
    <span className={styles.wrap}>
      <button
        type={type}
        className={classes(styles.button, styles[kind])}
        disabled={busy || forbidden !== undefined}
        aria-busy={busy}
        aria-describedby={forbidden ? reason : undefined}
        onClick={onClick}
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

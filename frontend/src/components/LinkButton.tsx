/** A button inside text or a table cell that looks like a link: it shows something here, and leads nowhere. */
import type { ReactNode } from "react";
import styles from "./LinkButton.module.css";

interface LinkButtonProps {
  children: ReactNode;
  onClick: () => void;
  title?: string;
  /** For one of several of which one is shown. */
  pressed?: boolean;
}

export function LinkButton({ children, onClick, title, pressed }: LinkButtonProps) {
  return (
    <button type="button" className={styles.link} title={title} aria-pressed={pressed} onClick={onClick}>
      {children}
    </button>
  );
}

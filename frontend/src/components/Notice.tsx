/** Something to know: what is wrong, why, and what to do next. As a banner across the page, or in place of it. */
import type { ReactNode } from "react";
import { classes } from "../lib/classes";
import { Glyph } from "./Glyph";
import type { Tone } from "../lib/tone";
import styles from "./Notice.module.css";

interface NoticeProps {
  tone: Tone;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** `page` stands alone in the middle of an otherwise empty page. */
  size?: "banner" | "page";
}

export function Notice({ tone, title, children, action, size = "banner" }: NoticeProps) {
  const Title = size === "page" ? "h1" : "p";
  return (
    <div
      className={classes(styles.notice, styles[size])}
      data-tone={tone}
      role={tone === "failed" ? "alert" : "status"}
    >
      <Glyph tone={tone} />
      <div className={styles.body}>
        <Title className={styles.title}>{title}</Title>
        {children}
      </div>
      {action}
    </div>
  );
}

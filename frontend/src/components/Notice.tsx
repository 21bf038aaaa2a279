/** Something to know: what is wrong, why, and what to do next. As a banner across the page, or in place of it. */
import { useContext, useEffect, type ReactNode } from "react";
import { classes } from "../lib/classes";
import { Glyph } from "./Glyph";
import { InPage } from "./inPage";
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
  const inPage = useContext(InPage);
  const alone = size === "page" && !inPage;
  const Title = size === "banner" ? "p" : alone ? "h1" : "h2";
  useEffect(() => {
    if (alone) document.title = `${title} · Millrace`;
  }, [alone, title]);
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

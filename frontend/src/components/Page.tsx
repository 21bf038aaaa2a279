/** The frame of a page: where one is, what it is about, what can be done, and its parts below. */
import { Link } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { InPage } from "./inPage";
import styles from "./Page.module.css";

export interface Crumb {
  label: string;
  /** A path of the dashboard, as "/datasets". */
  to: string;
}

interface PageProps {
  title: string;
  crumbs?: readonly Crumb[];
  /** Beside the title: state, aliases, the id. */
  marks?: ReactNode;
  /** One line of facts below the title. */
  about?: ReactNode;
  /** Buttons at the right. */
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, crumbs = [], marks, about, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Millrace`;
  }, [title]);
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <div className={styles.words}>
          {crumbs.length > 0 ? (
            <nav aria-label="Path" className={styles.crumbs}>
              {crumbs.map(({ label, to }) => (
                <Link key={to} to={to as never}>
                  {label}
                </Link>
              ))}
            </nav>
          ) : null}
          <h1 className={styles.title}>
            <span className={styles.name}>{title}</span>
            {marks}
          </h1>
          {about ? <div className={styles.about}>{about}</div> : null}
        </div>
        {actions ? <div className={styles.actions}>{actions}</div> : null}
      </div>
      <InPage value>{children}</InPage>
    </div>
  );
}

/** Two columns on a wide screen, the first the wider; one below the other on a narrow one. */
export function Columns({ children }: { children: ReactNode }) {
  return <div className={styles.columns}>{children}</div>;
}

/** Panels below each other, evenly spaced. */
export function Stack({ children }: { children: ReactNode }) {
  return <div className={styles.stack}>{children}</div>;
}

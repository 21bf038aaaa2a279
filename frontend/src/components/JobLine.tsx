/** A job in a line: what it does, how far it is, or why it failed. */
import { Link } from "@tanstack/react-router";
import { sentence } from "../lib/text";
import { toneOf } from "../lib/states";
import { Glyph } from "./Glyph";
import { RelativeTime } from "./RelativeTime";
import styles from "./JobLine.module.css";

interface JobLineProps {
  job: {
    id: string;
    kind: string;
    state: string;
    progress: number;
    message: string;
    error: Record<string, unknown> | null;
    created_at: string;
    ended_at: string | null;
  };
}

export function JobLine({ job }: JobLineProps) {
  const { kind, state, progress, message, error, ended_at, created_at } = job;
  const failed = state === "failed" && error;
  const text = (name: string) => (typeof error?.[name] === "string" ? error[name] : undefined);
  return (
    <div className={styles.line} data-tone={toneOf(state)} role="status">
      <Glyph tone={toneOf(state)} />
      <div className={styles.body}>
        <p className={styles.head}>
          <Link to="/jobs/$id" params={{ id: job.id }}>
            {sentence(kind)}
          </Link>
          <span>{state}</span>
          <RelativeTime at={ended_at ?? created_at} />
        </p>
        {failed ? (
          <p>
            {text("message")} {text("fix")}
          </p>
        ) : ended_at ? null : (
          <p>{message || (state === "queued" ? "Waiting for a worker" : "Working")}</p>
        )}
      </div>
      {ended_at ? null : (
        <progress
          className={styles.bar}
          aria-label={`${sentence(kind)}, progress`}
          max={1}
          {...(state === "running" && progress > 0 ? { value: progress } : {})}
        />
      )}
    </div>
  );
}

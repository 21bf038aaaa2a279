/** What happened to a version and who did it, the newest first. */
import { useQuery } from "@tanstack/react-query";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { plainly } from "../../../lib/bounds";
import { sentence } from "../../../lib/text";
import { historyQuery } from "../api";
import styles from "./Card.module.css";

export function History({ name, number }: { name: string; number: number }) {
  const query = useQuery(historyQuery(name, number));
  return (
    <Panel title="History">
      <Read query={query} what="the history">
        {(entries) => (
          <ol className={styles.history}>
            {entries.map(({ at, what, who, detail }) => (
              <li key={at + what}>
                <span className={styles.muted}>
                  <RelativeTime at={at} />
                </span>
                <span>
                  <strong>{sentence(what)}</strong> by {who}
                  {detail ? <p>{plainly(detail)}</p> : null}
                </span>
              </li>
            ))}
          </ol>
        )}
      </Read>
    </Panel>
  );
}

/** Each endpoint with what its last windows came to, and what the governor would do. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { Tag } from "../../../components/Tag";
import { plural, words } from "../../../lib/text";
import { governorQuery, heatMapQuery } from "../api";
import { afterRule, ruleTone } from "../rules";
import styles from "./Monitoring.module.css";
import { VerdictStrip } from "./VerdictStrip";

const SHOWN = 24;

export function WatchedEndpoints({ names }: { names: readonly string[] }) {
  return (
    <Panel
      title="Endpoints"
      count={names.length}
      empty={names.length === 0 && "None yet. An endpoint is watched from its first prediction on."}
    >
      <ul className={styles.cards}>
        {names.map((name) => (
          <Card key={name} name={name} />
        ))}
      </ul>
    </Panel>
  );
}

function Card({ name }: { name: string }) {
  const map = useQuery(heatMapQuery(name, SHOWN));
  const governor = useQuery(governorQuery(name));
  const last = map.data?.windows.at(-1);
  const failed = map.error ?? governor.error;
  return (
    <li className={styles.card}>
      <p className={styles.head}>
        <Link to="/monitoring/$name" params={{ name }}>
          <strong>{name}</strong>
        </Link>
        {last ? <State of={last.verdict} /> : null}
      </p>
      {failed ? <p role="alert">Not read: {failed.message}</p> : null}
      {last ? (
        <>
          <VerdictStrip verdicts={map.data?.windows.map(({ verdict }) => verdict) ?? []} />
          <p className={styles.quiet}>
            Last window closed <RelativeTime at={last.closed_at} />, {plural(last.rows, "row")}
            {last.version === null ? "" : ` of v${last.version}`}
          </p>
        </>
      ) : map.data ? (
        <p className={styles.quiet}>No window has closed yet.</p>
      ) : null}
      {governor.data?.pipelines.map(({ pipeline, rule, reason, would_start_now: go }) => (
        <div key={pipeline}>
          <p className={styles.head}>
            <span>Governor</span>
            <Tag tone={ruleTone(rule)}>{go ? "would retrain now" : words(rule)}</Tag>
          </p>
          <p>{reason}</p>
          <p className={styles.quiet}>{afterRule(rule)}</p>
        </div>
      ))}
      {governor.data?.pipelines.length === 0 ? (
        <p className={styles.quiet}>No pipeline retrains its model by itself.</p>
      ) : null}
    </li>
  );
}

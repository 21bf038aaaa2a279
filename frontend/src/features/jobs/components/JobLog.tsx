/** The log of a job as it is written; follows its end until one scrolls up. */
import { useEffect, useRef, useState } from "react";
import { Checkbox } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { useJobLog } from "../api";
import styles from "./JobLog.module.css";

const MOST_LINES = 5_000;

export function JobLog({ id }: { id: string }) {
  const lines = useJobLog(id);
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (follows) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [lines, follows]);
  return (
    <Panel title="Log" count={lines.length} empty={lines.length === 0 && "Nothing has been written."}>
      <Checkbox label="Follow the end" checked={follows} onChange={setFollows} />
      <div ref={box} className={styles.log} tabIndex={0} role="log" aria-label="Log">
        {lines.slice(-MOST_LINES).map(({ seq, at, level, line }) => (
          <p key={seq} data-tone={level === "error" ? "failed" : level === "warning" ? "attention" : undefined}>
            <time dateTime={at}>{new Date(at).toLocaleTimeString()}</time>
            {line}
          </p>
        ))}
      </div>
    </Panel>
  );
}

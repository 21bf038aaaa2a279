/** A time as people say it, with the exact one on hover. */
import { exactTime, relativeTime, useNow } from "../lib/time";
import styles from "./RelativeTime.module.css";

export function RelativeTime({ at }: { at: string }) {
  const now = useNow();
  const time = new Date(at);
  return (
    <time className={styles.time} dateTime={at} title={exactTime(time)}>
      {relativeTime(time, now)}
    </time>
  );
}

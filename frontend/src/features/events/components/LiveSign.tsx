/** The small sign in the header that says whether the page is live. */
import type { StreamState } from "../../../lib/eventStream";
import type { Tone } from "../../../lib/tone";
import styles from "./LiveSign.module.css";

const SAYS: Record<StreamState | "away", { tone: Tone; word: string; title: string }> = {
  connecting: { tone: "idle", word: "Connecting", title: "Opening the event stream" },
  live: { tone: "ok", word: "Live", title: "Changes appear as they happen" },
  lost: { tone: "attention", word: "Polling", title: "The event stream is interrupted; refreshing every few seconds" },
  away: { tone: "failed", word: "Offline", title: "The server is not answering" },
  refused: { tone: "idle", word: "Polling", title: "This token may not follow events; refreshing every few seconds" },
};

export function LiveSign({ state }: { state: StreamState | "away" }) {
  const { tone, word, title } = SAYS[state];
  return (
    <span className={styles.sign} data-tone={tone} data-state={state} title={title}>
      {word}
    </span>
  );
}

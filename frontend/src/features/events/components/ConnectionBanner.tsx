/** Says when what is on the page may be old, since when, and what is being done about it. */
import { Button } from "../../../components/Button";
import { Notice } from "../../../components/Notice";
import { RelativeTime } from "../../../components/RelativeTime";
import type { StreamState } from "../../../lib/eventStream";

interface ConnectionBannerProps {
  stream: StreamState;
  /** Why the last read failed, if it did. */
  error: Error | null;
  /** When what is shown was read. */
  readAt: string;
  onRetry: () => void;
}

export function ConnectionBanner({ stream, error, readAt, onRetry }: ConnectionBannerProps) {
  const action = <Button onClick={onRetry}>Try now</Button>;
  if (error) {
    return (
      <Notice tone="failed" title={error.message} action={action}>
        <p>
          You see what was known <RelativeTime at={readAt} />. Trying again every few seconds; nothing is lost on the
          server. If it stays away, look at the output of <code>millrace up</code>.
        </p>
      </Notice>
    );
  }
  if (stream === "lost") {
    return (
      <Notice tone="attention" title="Live updates are interrupted" action={action}>
        <p>The page refreshes every few seconds until they are back.</p>
      </Notice>
    );
  }
  return null;
}

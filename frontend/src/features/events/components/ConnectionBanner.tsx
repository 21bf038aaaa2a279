/** Says when what is on the page may be old, since when, and what is being done about it. */
import { Button } from "../../../components/Button";
import { Notice } from "../../../components/Notice";
import { RelativeTime } from "../../../components/RelativeTime";
import type { StreamState } from "../../../lib/eventStream";

interface ConnectionBannerProps {
  stream: StreamState;
  /** The last read failed although an earlier one worked: why, and since when the page is old. */
  outage: { error: Error; readAt: string } | undefined;
  onRetry: () => void;
}

export function ConnectionBanner({ stream, outage, onRetry }: ConnectionBannerProps) {
  const action = <Button onClick={onRetry}>Try now</Button>;
  if (outage) {
    const { error, readAt } = outage;
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

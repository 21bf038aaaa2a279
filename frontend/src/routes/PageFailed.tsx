/** A page that broke while it was drawn: the rest of the dashboard stays. */
import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { Button } from "../components/Button";
import { Notice } from "../components/Notice";

export function PageFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const again = () => {
    reset();
    void router.invalidate();
  };
  return (
    <Notice
      size="page"
      tone="failed"
      title="This page could not be drawn"
      action={<Button onClick={again}>Try again</Button>}
    >
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <p>Nothing changed on the server. If it stays so, the server may be of another version: reload the page.</p>
    </Notice>
  );
}

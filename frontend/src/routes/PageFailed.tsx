/** A page that broke while it was drawn: the rest of the dashboard stays. */
import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { useEffect } from "react";
import { Button } from "../components/Button";
import { Notice } from "../components/Notice";
import { PartMissing, reloadOnce } from "../lib/later";

export function PageFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const missing = error instanceof PartMissing;
  useEffect(() => {
    if (missing) reloadOnce();
  }, [missing]);
  const again = () => {
    if (missing) {
      window.location.reload();
      return;
    }
    reset();
    void router.invalidate();
  };
  return (
    <Notice
      size="page"
      tone="failed"
      title={missing ? "A part of this page did not come" : "This page could not be drawn"}
      action={<Button onClick={again}>{missing ? "Reload the page" : "Try again"}</Button>}
    >
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <p>
        Nothing changed on the server.{" "}
        {missing ? null : "If it stays so, the server may be of another version: reload the page."}
      </p>
    </Notice>
  );
}

/** An address that no page has. */
import { Link } from "@tanstack/react-router";
import { Notice } from "../components/Notice";

export function NotFoundPage() {
  return (
    <Notice
      size="page"
      tone="attention"
      title="There is no page at this address"
      action={<Link to="/">To the loop</Link>}
    >
      <p>It may be mistyped, or come from another version of Millrace.</p>
    </Notice>
  );
}

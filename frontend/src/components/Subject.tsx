/** What something is about, as a link to its page where it has one. */
import { Link } from "@tanstack/react-router";
import { placeOf } from "../lib/places";
import { subjectLabel } from "../lib/text";

const WITH_ID = /^([a-z-]+)s\/[0-9a-f-]{28}([0-9a-f]{8})$/;

/** "windows/01a2…4734" -> "window a1da4734"; an id is told apart by its last characters. */
function short(subject: string): string {
  const [, kind, id] = WITH_ID.exec(subject) ?? [];
  return kind && id ? `${kind} ${id}` : subjectLabel(subject);
}

export function Subject({ of }: { of: string }) {
  const place = placeOf(of);
  const label = short(of);
  return place ? (
    <Link to={place} title={of}>
      {label}
    </Link>
  ) : (
    <span title={of}>{label}</span>
  );
}

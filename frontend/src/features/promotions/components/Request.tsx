/** Asking that a version become champion, and the job that gathers the evidence. */
import { useState } from "react";
import { Link } from "@tanstack/react-router";
import { useForbidden } from "../../../client/access";
import { Action } from "../../../components/Action";
import { calls } from "../api";

interface RequestProps {
  name: string;
  number: number;
  /** Why it makes no sense now: it is the champion, or archived. */
  pointless?: string | undefined;
}

export function RequestPromotion({ name, number, pointless }: RequestProps) {
  const forbidden = useForbidden("write");
  const [asked, setAsked] = useState<string>();
  return (
    <>
      <Action
        call={calls.request(name, number)}
        kind="primary"
        forbidden={forbidden ?? pointless}
        onDone={({ subject }) => setAsked(subject.replace(/^promotions\//, ""))}
      >
        Request promotion
      </Action>
      {asked ? (
        <Link to="/promotions/$id" params={{ id: asked }}>
          Follow the decision
        </Link>
      ) : null}
    </>
  );
}

/** The pinned rows of a model; taking one back needs a reason. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { Button } from "../../../components/Button";
import { CopyId } from "../../../components/Copy";
import { Checkbox, TextArea } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { useUrlState } from "../../../lib/urlState";
import { pinsQuery, unpin, type Pin } from "../api";
import styles from "./Pins.module.css";

export function Pins({ name }: { name: string }) {
  const [which, setWhich] = useUrlState("pins");
  const all = which === "all";
  const query = useInfiniteQuery(pinsQuery(name, !all));
  return (
    <Panel title="Pinned mistakes">
      <div className={styles.list}>
        <Checkbox label="Also those taken back" checked={all} onChange={(on) => setWhich(on ? "all" : "")} />
        <Read query={query} what="the pins">
          {(pins) =>
            pins.length === 0 ? (
              <p>
                None. A mistake is pinned on the Eyeballing tab of a version; then every later one must get it right.
              </p>
            ) : (
              <ul className={styles.list}>
                {pins.map((pin) => (
                  <OnePin key={pin.id} name={name} pin={pin} />
                ))}
              </ul>
            )
          }
        </Read>
        {query.hasNextPage ? (
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            More
          </Button>
        ) : null}
      </div>
    </Panel>
  );
}

function OnePin({ name, pin }: { name: string; pin: Pin }) {
  const { id, instance, expect, within, answered, note, seen_at_version, created_at, created_by, unpinned_at } = pin;
  return (
    <li className={styles.pin}>
      <p className={styles.row}>
        {Object.entries(instance).map(([column, value]) => (
          <span key={column}>
            <small>{column}</small> {typeof value === "string" ? value : JSON.stringify(value)}
          </span>
        ))}
      </p>
      <p>
        must answer <strong>{String(expect)}</strong>
        {within === null ? "" : ` within ${within}`}
        {answered === null ? "" : `; answered ${String(answered)}`}
        {seen_at_version === null ? null : (
          <>
            {" by "}
            <Link to="/models/$name/versions/$number" params={{ name, number: String(seen_at_version) }}>
              version {seen_at_version}
            </Link>
          </>
        )}
        {note ? `. ${note}` : ""}
      </p>
      <p className={styles.by}>
        Pinned <RelativeTime at={created_at} /> by {created_by} <CopyId id={id} noun="pin" />
      </p>
      {unpinned_at ? (
        <p className={styles.by}>
          Taken back <RelativeTime at={unpinned_at} /> by {pin.unpinned_by}: {pin.reason}
        </p>
      ) : (
        <Unpin id={id} />
      )}
    </li>
  );
}

function Unpin({ id }: { id: string }) {
  const forbidden = useForbidden("write");
  const [reason, setReason] = useState("");
  return (
    <FormAction
      title="Take this pin back"
      submit="Take it back"
      size="small"
      forbidden={forbidden}
      call={reason.trim() ? unpin(id, reason.trim()) : undefined}
      fields={<TextArea label="Why" value={reason} onChange={setReason} help="Both stay in the audit trail." />}
    >
      Take back
    </FormAction>
  );
}

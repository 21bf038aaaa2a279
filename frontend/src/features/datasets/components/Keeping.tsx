/** Keeping and deleting a version: its pin, what needs it, and what deleting means. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { Action, FormAction } from "../../../components/Action";
import { TextField } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { plural } from "../../../lib/text";
import { calls, needsQuery, type Need, type Version } from "../api";
import styles from "./Keeping.module.css";

function What({ noun, what }: Need) {
  const [name = what, number] = what.split("@");
  switch (noun) {
    case "endpoint":
      return (
        <Link to="/endpoints/$name" params={{ name: what }}>
          endpoint {what}
        </Link>
      );
    case "model":
      return number ? (
        <Link to="/models/$name/versions/$number" params={{ name, number }}>
          model {name} version {number}
        </Link>
      ) : (
        <>model {what}</>
      );
    case "run":
      return (
        <Link to="/runs/$id" params={{ id: what }}>
          run {what.slice(-8)}
        </Link>
      );
    case "dataset version":
      return number ? (
        <Link to="/datasets/$name/versions/$number" params={{ name, number }}>
          {name} version {number}
        </Link>
      ) : (
        <>{what}</>
      );
    default:
      return (
        <>
          {noun} {what}
        </>
      );
  }
}

function Pin({ version, pinned }: { version: Version; pinned: Need | undefined }) {
  const forbidden = useForbidden("write");
  const [reason, setReason] = useState("");
  const { dataset, number } = version;
  if (pinned) {
    return (
      <Action call={calls.unpin(dataset, number)} forbidden={forbidden}>
        Unpin
      </Action>
    );
  }
  return (
    <FormAction
      title={`Pin version ${number}`}
      submit="Pin"
      size="small"
      forbidden={forbidden}
      call={reason.trim() ? calls.pin(dataset, number, reason.trim()) : undefined}
      fields={
        <TextField
          label="Why it has to stay"
          value={reason}
          onChange={setReason}
          autoFocus
          required
          help="Nobody can delete it until it is unpinned."
        />
      }
      onDone={() => setReason("")}
    >
      Pin
    </FormAction>
  );
}

function Delete({ version, needs }: { version: Version; needs: readonly Need[] }) {
  const forbidden = useForbidden("write");
  const [reason, setReason] = useState("");
  const { dataset, number } = version;
  return (
    <Action
      kind="danger"
      call={calls.remove(dataset, number, reason.trim())}
      forbidden={forbidden ?? (needs.length > 0 ? `Needed by ${plural(needs.length, "thing")}, see above` : undefined)}
      confirm={{
        title: `Delete version ${number} of ${dataset}?`,
        say: (
          <div className={styles.confirm}>
            <p>
              Its number stays taken and its name stays in the history. Its bytes go with the next collection, unless
              another version has them too; after that nothing brings them back.
            </p>
            <TextField label="Why (for the audit trail)" value={reason} onChange={setReason} />
          </div>
        ),
        button: "Delete it",
      }}
    >
      Delete
    </Action>
  );
}

export function Keeping({ version }: { version: Version }) {
  const query = useQuery(needsQuery(version.dataset, version.number));
  if (version.state === "deleted") return null;
  return (
    <Panel title="Keep or delete">
      <Read query={query} what="what needs the version" loading={null}>
        {(needs) => (
          <div className={styles.keeping}>
            {needs.length === 0 ? (
              <p className={styles.quiet}>Nothing needs this version: it can be deleted.</p>
            ) : (
              <ul className={styles.needs}>
                {needs.map((need) => (
                  <li key={`${need.noun} ${need.what}`}>
                    <What {...need} /> <span className={styles.quiet}>{need.why}</span>
                  </li>
                ))}
              </ul>
            )}
            <div className={styles.buttons}>
              <Pin version={version} pinned={needs.find(({ noun }) => noun === "pin")} />
              <Delete version={version} needs={needs} />
            </div>
          </div>
        )}
      </Read>
    </Panel>
  );
}

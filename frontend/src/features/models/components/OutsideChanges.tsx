/** What others changed in MLflow's registry, which mirrors this one. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useForbidden } from "../../../client/access";
import { Action } from "../../../components/Action";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { calls, outsideChangesQuery, type Model, type OutsideChange } from "../api";
import styles from "./Models.module.css";

const POLICIES: Record<OutsideChange["policy"], string> = {
  revert: "It is put back.",
  adopt: "It is put back, and a promotion of that version is requested: the gates decide.",
  flag: "It is only told: put it back in MLflow, or promote the version here.",
};

/** What happened, in one sentence. */
export function outsideSentence({ kind, alias, found, number, expected }: OutsideChange): string {
  if (kind === "version_unknown")
    return `MLflow has a version ${found ?? "?"} that is unknown here: it has no checks and cannot be promoted. Register its run as a version.`;
  if (kind === "version_removed") return `Version ${number ?? "?"} was removed from MLflow.`;
  const to = number === null ? (found ? `MLflow's version ${found}` : "nothing") : `version ${number}`;
  return `The alias ${alias ?? "?"} was moved to ${to}; here it is ${expected === null ? "not set" : `version ${expected}`}.`;
}

/** On top of the page while something is open. */
export function OutsideNotice({ model }: { model: Model }) {
  const forbidden = useForbidden("write");
  return model.changed_outside.map((change) => (
    <Notice
      key={change.id}
      tone="attention"
      title="Changed outside, in MLflow"
      action={
        <Action call={calls.acknowledge(model.name, change.id)} forbidden={forbidden}>
          Acknowledge
        </Action>
      }
    >
      <p>
        {outsideSentence(change)} {POLICIES[change.policy]} {change.note}
      </p>
      <p>
        Seen <RelativeTime at={change.seen_at} />
        {change.who ? `; by ${change.who}` : "; MLflow does not tell by whom"}.
      </p>
    </Notice>
  ));
}

export function OutsideChanges({ name }: { name: string }) {
  const query = useInfiniteQuery(outsideChangesQuery(name));
  return (
    <Panel title="Changed outside">
      <Read query={query} what="what was changed outside">
        {(changes) =>
          changes.length === 0 ? (
            <p>Nothing. Aliases and versions that others change in MLflow are seen within a minute and listed here.</p>
          ) : (
            <ul>
              {changes.map((change) => (
                <li key={change.id} className={styles.change}>
                  <p>{outsideSentence(change)}</p>
                  <p className={styles.row}>
                    <Tag tone={change.resolved_at ? "ok" : change.acknowledged_at ? "idle" : "attention"}>
                      {change.resolved_at ? "over" : change.acknowledged_at ? "acknowledged" : "open"}
                    </Tag>
                    <RelativeTime at={change.seen_at} />
                    <span className={styles.muted}>
                      {change.acknowledged_by ? `acknowledged by ${change.acknowledged_by}` : change.note}
                    </span>
                  </p>
                </li>
              ))}
            </ul>
          )
        }
      </Read>
    </Panel>
  );
}

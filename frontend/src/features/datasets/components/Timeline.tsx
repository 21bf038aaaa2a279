/** Versions of a dataset, newest first: what each is, what became of it, and how large it is beside the others. */
import { Link } from "@tanstack/react-router";
import { Glyph } from "../../../components/Glyph";
import { RelativeTime } from "../../../components/RelativeTime";
import { Meter } from "../../../components/Spark";
import { State } from "../../../components/State";
import { bytes, number } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { plural } from "../../../lib/text";
import type { Version } from "../api";
import { provenance } from "../provenance";
import styles from "./Timeline.module.css";

/** "+120 rows", against the version before. */
export function rowsMoved(version: Version, before: Version | undefined): string {
  if (version.rows === null || before?.rows === null || before === undefined) return "";
  const moved = version.rows - before.rows;
  if (moved === 0) return "as many as before";
  return `${moved > 0 ? "+" : "−"}${number(Math.abs(moved))}`;
}

export function Reasons({ of }: { of: readonly string[] }) {
  if (of.length === 0) return null;
  return (
    <ul className={styles.reasons}>
      {of.map((reason, index) => (
        <li key={index}>{reason}</li>
      ))}
    </ul>
  );
}

function Entry({ version, before, largest }: { version: Version; before: Version | undefined; largest: number }) {
  const { dataset: name, number: n, state, reasons, rows, size, stored_size, message, files } = version;
  const params = { name, number: String(n) };
  const moved = rowsMoved(version, before);
  return (
    <li className={styles.entry} data-tone={toneOf(state)}>
      <Glyph tone={toneOf(state)} />
      <div className={styles.body}>
        <p className={styles.head}>
          <Link to="/datasets/$name/versions/$number" params={params} className={styles.number}>
            Version {n}
          </Link>
          <State of={state} />
          <span className={styles.quiet}>
            <RelativeTime at={version.created_at} /> by {version.created_by}
          </span>
        </p>
        {message ? <p className={styles.message}>{message}</p> : null}
        <p className={styles.quiet}>{provenance(version.source)}</p>
        <Reasons of={reasons} />
        {state === "rejected" ? (
          <p className={styles.next}>
            <Link to="/datasets/$name/versions/$number" params={params} search={{ tab: "checks" } as never}>
              See the failing rows, and what can be done
            </Link>
          </p>
        ) : null}
        {version.deleted_at ? (
          <p className={styles.quiet}>
            Deleted <RelativeTime at={version.deleted_at} /> by {version.deleted_by}
          </p>
        ) : null}
      </div>
      <div className={styles.sizes}>
        <p>
          {rows === null ? plural(files, "file") : plural(rows, "row")}
          {moved ? <span className={styles.quiet}> {moved}</span> : null}
        </p>
        <p>
          <Meter
            share={largest ? size / largest : 0}
            label={`${bytes(size)} of ${bytes(largest)}, the largest version`}
          />{" "}
          {bytes(size)}
        </p>
        {stored_size != null ? (
          <p>
            <Meter
              share={largest ? stored_size / largest : 0}
              tone="ok"
              label={`${bytes(stored_size)} added to the store`}
            />{" "}
            {bytes(stored_size)} <span className={styles.quiet}>stored</span>
          </p>
        ) : null}
        {before && state !== "deleted" && before.state !== "deleted" ? (
          <Link
            to="/datasets/$name/diff"
            params={{ name }}
            search={{ from: String(before.number), to: String(n) } as never}
          >
            Compare with {before.number}
          </Link>
        ) : null}
      </div>
    </li>
  );
}

export function Timeline({ versions }: { versions: readonly Version[] }) {
  const largest = Math.max(0, ...versions.map(({ size }) => size));
  return (
    <ol className={styles.timeline} aria-label="Versions, the newest first">
      {versions.map((version, index) => (
        <Entry key={version.id} version={version} before={versions[index + 1]} largest={largest} />
      ))}
    </ol>
  );
}

/** How a version is served: ONNX or Python, and why; the files of its package. */
import { CopyId } from "../../../components/Copy";
import { Facts } from "../../../components/Facts";
import { Panel } from "../../../components/Panel";
import { Tag } from "../../../components/Tag";
import { bytes, number, percent } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import type { Version } from "../api";
import styles from "./Models.module.css";

export function Serving({ version: { flavor, package: packed, package_digest } }: { version: Version }) {
  const { agreement, files, reason, origin } = packed;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <Panel title="How it is served">
      <div className={styles.stack}>
        <Facts
          of={{
            By: flavor === "onnx" ? "ONNX Runtime" : "Python, in a process of its own",
            Why: reason,
            Agreement: agreement && (
              <>
                <Tag tone={agreement.holds ? "ok" : "failed"}>{agreement.holds ? "holds" : "does not hold"}</Tag>{" "}
                {percent(agreement.label_agreement)} of {number(agreement.rows)} rows answered alike, the largest
                difference {number(agreement.max_difference)}, tolerated {number(agreement.tolerance)}
              </>
            ),
            "Code answered for by":
              origin === "run"
                ? "a run of this installation"
                : origin === "trusted_import"
                  ? "the admin who trusted it"
                  : "nobody: it loads only if it runs none",
            Package: <CopyId id={package_digest} noun="package" />,
            Size: `${bytes(size)} in ${plural(files.length, "file")}`,
          }}
        />
        <details>
          <summary>Files</summary>
          <ul>
            {files.map(({ path, size: of, sha256 }) => (
              <li key={path} className={styles.row}>
                <code>{path}</code> <span className={styles.muted}>{bytes(of)}</span>{" "}
                <CopyId id={sha256} noun="SHA-256" />
              </li>
            ))}
          </ul>
        </details>
      </div>
    </Panel>
  );
}

/** How much there is of everything, in one line. */
import type { Overview } from "../../../client/types";
import { plural } from "../../../lib/text";
import styles from "./Counts.module.css";

export function Counts({ counts }: { counts: Overview["counts"] }) {
  const facts = [
    `${plural(counts.datasets, "dataset")} (${plural(counts.dataset_versions, "version")})`,
    plural(counts.runs, "run"),
    `${plural(counts.models, "model")} (${plural(counts.model_versions, "version")})`,
    plural(counts.endpoints, "endpoint"),
  ];
  return (
    <ul className={styles.counts} aria-label="How much there is">
      {facts.map((fact) => (
        <li key={fact}>{fact}</li>
      ))}
    </ul>
  );
}

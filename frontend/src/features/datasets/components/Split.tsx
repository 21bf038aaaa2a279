/** Where the rows of a version went when it was split by its checks. */
import { Link } from "@tanstack/react-router";
import type { JobRead } from "../../../client/job";
import { Notice } from "../../../components/Notice";
import { plural } from "../../../lib/text";

interface Part {
  dataset: string;
  number: number;
  rows: number;
}

/** The two versions that a quarantine made; undefined for any other job, or one that is not over. */
export function splitOf({ kind, state, result }: JobRead): { clean: Part; failing: Part } | undefined {
  if (kind !== "QuarantineRows" || state !== "succeeded" || !result) return undefined;
  const { clean, failing } = result as { clean?: Part; failing?: Part };
  return clean && failing ? { clean, failing } : undefined;
}

function PartLink({ part: { dataset, number, rows } }: { part: Part }) {
  return (
    <>
      {plural(rows, "row")} in{" "}
      <Link to="/datasets/$name/versions/$number" params={{ name: dataset, number: String(number) }}>
        {dataset} version {number}
      </Link>
    </>
  );
}

export function Split({ clean, failing }: { clean: Part; failing: Part }) {
  return (
    <Notice tone="ok" title="Its rows were split by its checks">
      <p>
        Clean: <PartLink part={clean} />. Failing: <PartLink part={failing} />.
      </p>
    </Notice>
  );
}

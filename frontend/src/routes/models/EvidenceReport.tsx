/** A gate report with what the checks failed on, and the way to its decision. */
import { Link } from "@tanstack/react-router";
import { CopyId } from "../../components/Copy";
import { Stack } from "../../components/Page";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { Check, Evidence } from "../../features/model_checks/components/Check";
import { hasDetails } from "../../features/model_checks/components/Details";
import type { Promotion } from "../../features/promotions/api";
import { GateReport } from "../../features/promotions/components/GateReport";
import type { Gate } from "../../features/promotions/gates";

/** Below a gate that refuses: the check's failing rows, or the failing checks of the suite. */
function examples({ check, suite }: Gate) {
  if (check) return hasDetails(check) ? <Evidence result={check} open /> : null;
  const failing = suite?.results.filter(({ verdict, severity }) => verdict !== "pass" && severity === "error") ?? [];
  return failing.length === 0 ? null : (
    <ul>
      {failing.map((result) => (
        <Check key={result.name || result.gate} result={result} />
      ))}
    </ul>
  );
}

/** `linked` on pages that are not the decision's own. */
export function EvidenceReport({ promotion, linked = true }: { promotion: Promotion; linked?: boolean }) {
  const { id, state, policy_version, requested_at, requested_by } = promotion;
  return (
    <Stack>
      {linked ? (
        <p>
          <State of={state} />{" "}
          <Link to="/promotions/$id" params={{ id }}>
            The decision
          </Link>{" "}
          <CopyId id={id} noun="promotion" /> under version {policy_version} of the policy, asked for{" "}
          <RelativeTime at={requested_at} /> by {requested_by}.
        </p>
      ) : null}
      <GateReport promotion={promotion} examples={examples} />
    </Stack>
  );
}

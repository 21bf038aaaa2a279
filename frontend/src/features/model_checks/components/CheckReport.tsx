/** What the checks of a version found: the policy's own, each suite, and the pinned rows. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { useJob, type JobRead } from "../../../client/job";
import { Action } from "../../../components/Action";
import { JobLine } from "../../../components/JobLine";
import { Notice } from "../../../components/Notice";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { toneOf } from "../../../lib/states";
import { plural } from "../../../lib/text";
import { calls, reportQuery, type CheckResult, type Report } from "../api";
import { Check, verdictOf } from "./Check";
import styles from "./Checks.module.css";

const ORDER = ["fail", "inconclusive", "warn", "pass"];
const sorted = (results: readonly CheckResult[]) =>
  results.toSorted((one, other) => ORDER.indexOf(verdictOf(one)) - ORDER.indexOf(verdictOf(other)));

export function CheckReport({ name, number }: { name: string; number: number }) {
  const query = useQuery(reportQuery(name, number));
  return (
    <Stack>
      <RunChecks name={name} number={number} />
      <Read query={query} what="the checks">
        {(report) =>
          report ? (
            <Found report={report} />
          ) : (
            <Notice tone="idle" title="Not checked yet">
              <p>Checks start by themselves when a version is registered and when the policy changes.</p>
            </Notice>
          )
        }
      </Read>
    </Stack>
  );
}

function RunChecks({ name, number }: { name: string; number: number }) {
  const forbidden = useForbidden("write");
  const [job, setJob] = useState<JobRead>();
  return (
    <>
      <div className={styles.head}>
        <Action call={calls.run(name, number, false)} forbidden={forbidden} onDone={setJob}>
          Run checks
        </Action>
        <Action call={calls.run(name, number, true)} forbidden={forbidden} onDone={setJob}>
          Find everything anew
        </Action>
      </div>
      {job ? <Followed key={job.id} job={job} /> : null}
    </>
  );
}

function Followed({ job }: { job: JobRead }) {
  return <JobLine job={useJob(job)} />;
}

function Found({ report }: { report: Report }) {
  const { verdict, results, suites, pins, policy_version, created_at, created_by } = report;
  const all = [...results, ...suites.flatMap((suite) => suite.results), ...(pins ? [pins] : [])];
  const count = (of: string) => all.filter((one) => verdictOf(one) === of).length;
  const parts = (["fail", "inconclusive", "warn", "pass"] as const).filter((of) => count(of) > 0);
  return (
    <>
      <Notice
        tone={toneOf(verdict)}
        title={parts.map((of) => `${count(of)} ${of}`).join(", ") || "Nothing was checked"}
      >
        <p>
          {plural(all.length, "check")} under version {policy_version} of the policy, <RelativeTime at={created_at} />{" "}
          by {created_by}.{all.length === 0 ? " The policy asks for none." : ""}
        </p>
      </Notice>
      {pins ? <Checks title="Pinned mistakes" results={[pins]} /> : null}
      {results.length > 0 ? <Checks title="Checks of the policy" results={results} /> : null}
      {suites.map((suite) => (
        <Checks key={suite.suite} title={`Suite ${suite.suite}, version ${suite.version}`} results={suite.results} />
      ))}
    </>
  );
}

function Checks({ title, results }: { title: string; results: readonly CheckResult[] }) {
  return (
    <Panel title={title} count={results.length}>
      <ul>
        {sorted(results).map((result, index) => (
          <Check key={`${result.gate} ${result.name} ${index}`} result={result} />
        ))}
      </ul>
    </Panel>
  );
}

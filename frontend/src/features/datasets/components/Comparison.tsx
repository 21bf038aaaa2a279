/** Choosing two versions and the columns that name a row, and the comparison of them, made while one waits. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { hasEnded } from "../../../client/job";
import { Button } from "../../../components/Button";
import { Checkbox, FieldRow, Select, TextField } from "../../../components/Fields";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { useUrlState } from "../../../lib/urlState";
import { diffQuery, profileQuery, type Version } from "../api";
import { DiffView } from "./DiffView";
import styles from "./DiffView.module.css";
import { LiveJob } from "./VersionJobs";

/** Column names in the URL: each encoded, as a name may hold any character. */
export const joinKey = (key: readonly string[]) => key.map(encodeURIComponent).join(",");
export const splitKey = (text: string) => (text ? text.split(",").map(decodeURIComponent) : []);

const MANY = 12;

function KeyChoice({
  columns,
  chosen,
  onChange,
}: {
  columns: readonly string[];
  chosen: readonly string[];
  onChange: (key: string[]) => void;
}) {
  const [text, setText] = useState("");
  const found = columns.filter((name) => chosen.includes(name) || name.toLowerCase().includes(text.toLowerCase()));
  return (
    <fieldset className={styles.fieldset}>
      <legend>A row is known by</legend>
      <p className={styles.quiet}>
        Rows with the same values in these columns are one row, which may have changed. Without any, whole rows are
        compared: a changed one is one removed and one added.
      </p>
      {columns.length > MANY ? <TextField label="Find a column" type="search" value={text} onChange={setText} /> : null}
      <div className={styles.choice}>
        {found.slice(0, 60).map((name) => (
          <Checkbox
            key={name}
            label={name}
            checked={chosen.includes(name)}
            onChange={(on) => onChange(on ? [...chosen, name] : chosen.filter((other) => other !== name))}
          />
        ))}
        {found.length > 60 ? (
          <span className={styles.quiet}>and {found.length - 60} more: find them by name</span>
        ) : null}
      </div>
    </fieldset>
  );
}

function Result({ before, after, keys }: { before: Version; after: Version; keys: readonly string[] }) {
  const query = useQuery(diffQuery(after.dataset, before.number, after.number, keys));
  return (
    <Read query={query} what="the comparison">
      {({ diff, job }) =>
        diff ? (
          <DiffView diff={diff} before={before} after={after} />
        ) : query.error ? null : (
          <Stack>
            <p>The versions are compared for the first time. What is found is kept, for these two and this key.</p>
            <LiveJob
              key={job.id}
              job={job}
              onEnd={(ended) => {
                // After a failure the route says why in its own words, without starting another job.
                if (ended.state !== "cancelled") void query.refetch();
              }}
            />
            {hasEnded(job) ? <Button onClick={() => void query.refetch()}>Ask again</Button> : null}
          </Stack>
        )
      }
    </Read>
  );
}

const label = ({ number, state, message }: Version) => ({
  value: String(number),
  label: `${number}: ${message.slice(0, 40) || state}`,
});

export function Comparison({ versions }: { versions: readonly Version[] }) {
  const standing = versions.filter(({ state }) => state !== "deleted");
  const [to, setTo] = useUrlState("to", String(standing[0]?.number ?? ""));
  const [from, setFrom] = useUrlState("from", String(standing[1]?.number ?? ""));
  const [keyText, setKeyText] = useUrlState("key");
  const keys = splitKey(keyText);
  const [before, after] = [from, to].map((wanted) => standing.find(({ number }) => String(number) === wanted));
  const profile = useQuery({
    ...profileQuery(after ?? standing[0] ?? NONE),
    enabled: after !== undefined && after.state !== "registered",
  });
  const columns = profile.data?.columns.map(({ name }) => name) ?? [];
  const options = standing.map(label);
  return (
    <>
      <Panel title="What is compared">
        <Stack>
          <FieldRow>
            <Select
              label="From"
              value={from}
              onChange={setFrom}
              options={[{ value: "", label: "choose" }, ...options]}
            />
            <Select label="To" value={to} onChange={setTo} options={[{ value: "", label: "choose" }, ...options]} />
          </FieldRow>
          {columns.length > 0 ? (
            <KeyChoice columns={columns} chosen={keys} onChange={(key) => setKeyText(joinKey(key) || undefined)} />
          ) : null}
          {before && after ? (
            <span>
              <Link
                to="/datasets/$name/diff"
                params={{ name: after.dataset }}
                search={{ from: to, to: from, key: keyText } as never}
              >
                The other way round
              </Link>
            </span>
          ) : null}
        </Stack>
      </Panel>
      {before && after && before !== after ? (
        <Result before={before} after={after} keys={keys} />
      ) : (
        <p className={styles.quiet}>
          {before && before === after
            ? "These are one and the same version."
            : standing.length < 2
              ? "There is only one version so far: nothing to compare it with."
              : "Choose two versions."}
        </p>
      )}
    </>
  );
}

const NONE = { dataset: "", number: 0, state: "registered" } as const;

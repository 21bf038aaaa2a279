/** The suites of a model: one after the other as text, and a new one. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { DocumentEditor } from "../../../components/DocumentEditor";
import { FieldRow, Select, TextField } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { useUrlState } from "../../../lib/urlState";
import { calls, suiteQuery, suitesQuery } from "../api";
import styles from "./Checks.module.css";

const NEW = "+";
const TEMPLATE = `# What the model must do, by name. severity: warn tells and stops nothing.
lexicons:
  praise: [good, great]
checks:
  - check: minimum_functionality
    name: plain praise
    templates: {texts: ["This was {praise}."]}
    expect: 1
    min_share: 0.9
`;

export function Suites({ name }: { name: string }) {
  const query = useQuery(suitesQuery(name));
  const [wanted, setWanted] = useUrlState("suite");
  return (
    <Read query={query} what="the suites">
      {(suites) => {
        const open = wanted === "" ? (suites[0]?.name ?? NEW) : wanted;
        return (
          <Panel title="Suites" count={suites.length}>
            <div className={styles.list}>
              <FieldRow>
                <Select
                  label="Suite"
                  value={open}
                  onChange={setWanted}
                  options={[
                    ...suites.map((suite) => ({ value: suite.name, label: `${suite.name} (${suite.checks} checks)` })),
                    { value: NEW, label: "A new suite" },
                  ]}
                />
              </FieldRow>
              {open === NEW ? (
                <NewSuite name={name} taken={suites.map((suite) => suite.name)} onMade={setWanted} />
              ) : (
                <Suite key={open} name={name} suite={open} />
              )}
            </div>
          </Panel>
        );
      }}
    </Read>
  );
}

function Suite({ name, suite }: { name: string; suite: string }) {
  const query = useQuery(suiteQuery(name, suite));
  const forbidden = useForbidden("write");
  return (
    <Read query={query} what="the suite">
      {({ document, number, created_at, created_by }) => (
        <DocumentEditor
          what={`The suite ${suite}`}
          stored={{ text: document, version: number }}
          save={(text, version) => calls.saveSuite(name, suite, text, version)}
          forbidden={forbidden}
          help={
            <>
              Written <RelativeTime at={created_at} /> by {created_by}. Where the policy names it (
              <code>{`{gate: behaviour, suite: ${suite}}`}</code>), the newest version is checked again.
            </>
          }
        />
      )}
    </Read>
  );
}

interface NewSuiteProps {
  name: string;
  taken: readonly string[];
  onMade: (suite: string) => void;
}

function NewSuite({ name, taken, onMade }: NewSuiteProps) {
  const forbidden = useForbidden("write");
  const [suite, setSuite] = useState("");
  const error = taken.includes(suite) ? "There is one of this name: choose it above to change it" : undefined;
  return (
    <>
      <TextField label="Name" value={suite} onChange={setSuite} error={error} placeholder="behaviour" required />
      <DocumentEditor
        what="The new suite"
        stored={{ text: TEMPLATE, version: 0 }}
        unsaved
        save={(text) => {
          const save = calls.saveSuite(name, suite, text, 0);
          return {
            ...save,
            send: async () => {
              await save.send();
              onMade(suite);
            },
          };
        }}
        forbidden={forbidden ?? (suite ? error : "Give it a name first")}
      />
    </>
  );
}

/** The check suite of a dataset: as text, with proposals from its data and from other tools. */
import { useQuery } from "@tanstack/react-query";
import { useForbidden } from "../../../client/access";
import { DocumentEditor } from "../../../components/DocumentEditor";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { addToList } from "../../../lib/yaml";
import { calls, suiteQuery } from "../api";
import { suiteText } from "../text";
import { SuggestChecks } from "./SuggestChecks";
import { TranslateSuite } from "./TranslateSuite";

const HELP = (
  <>
    The suite counts for the checks that run from now on; versions keep their reports. Each check is an{" "}
    <code>error</code> that rejects a version, or with <code>severity: warn</code> a warning. Comments are not kept: the
    server stores what the suite says.
  </>
);

interface SuiteEditorProps {
  name: string;
  /** The newest version that has a profile to suggest from. */
  newest: number | undefined;
}

export function SuiteEditor({ name, newest }: SuiteEditorProps) {
  const forbidden = useForbidden("write");
  const query = useQuery(suiteQuery(name));
  return (
    <Read query={query} what="the check suite">
      {(suite) => (
        <Panel title="Check suite" count={suite.checks.length}>
          <DocumentEditor
            what="The check suite"
            stored={{ text: suiteText(suite), version: suite.version }}
            save={(text, version) => calls.saveSuite(name, text, version)}
            forbidden={forbidden}
            help={HELP}
            tools={(text, setText) => {
              const add = (checks: readonly object[]) => setText(addToList(text, "checks", checks));
              return (
                <>
                  <SuggestChecks name={name} newest={newest} text={text} onAdd={add} />
                  <TranslateSuite onAdd={add} />
                </>
              );
            }}
          />
        </Panel>
      )}
    </Read>
  );
}

/** What a version must show before it may be champion, as text. */
import { useForbidden } from "../../../client/access";
import { DocumentEditor } from "../../../components/DocumentEditor";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { calls, type Promotion } from "../api";
import { policyText } from "../policy";

interface PolicyEditorProps {
  name: string;
  policy: Promotion["policy"];
  version: number;
}

export function PolicyEditor({ name, policy, version }: PolicyEditorProps) {
  const forbidden = useForbidden("write");
  return (
    <Panel title="Policy" count={policy.gates.length}>
      {policy.gates.length === 0 ? (
        <Notice tone="attention" title="Without gates nothing can become champion">
          <p>
            Begin with one: <code>{"- {gate: metric, metric: accuracy, min: 0.8}"}</code>
          </p>
        </Notice>
      ) : null}
      <DocumentEditor
        what="The policy"
        stored={{ text: policyText(policy), version }}
        save={(text, base) => calls.savePolicy(name, text, base)}
        forbidden={forbidden}
        help={
          <>
            Gates: <code>metric</code>, <code>overfit</code>, <code>slices</code>, <code>calibration</code>,{" "}
            <code>leakage</code>, <code>fairness</code>, <code>behaviour</code> (a suite), <code>champion</code> (the
            paired test) and more. <code>severity: warn</code> tells and stops nothing. <code>approval: required</code>{" "}
            asks for a second person. The newest version is checked again when the policy changes; decisions keep the
            policy they were made under.
          </>
        }
      />
    </Panel>
  );
}

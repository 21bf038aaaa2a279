/** Checks that the data itself suggests, each with its reason; the chosen ones are added to the text. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { RefusalText, useSend } from "../../../components/Action";
import { ApiCall } from "../../../components/ApiCall";
import { Button } from "../../../components/Button";
import { Dialog, DialogButtons } from "../../../components/Dialog";
import { Checkbox, TextField } from "../../../components/Fields";
import { plural } from "../../../lib/text";
import { toYaml } from "../../../lib/yaml";
import { calls } from "../api";
import { shortCheck } from "../text";
import styles from "./Checks.module.css";

interface SuggestChecksProps {
  name: string;
  newest: number | undefined;
  /** What the editor holds: what it says already is not chosen. */
  text: string;
  onAdd: (checks: readonly object[]) => void;
}

interface Proposal {
  checks: { check: object; line: string; reason: string; there: boolean }[];
  leftOut: readonly { about: string; why: string }[];
}

export function SuggestChecks({ name, newest, text, onAdd }: SuggestChecksProps) {
  const forbidden = useForbidden("write");
  const [open, setOpen] = useState(false);
  const [target, setTarget] = useState("");
  const [proposal, setProposal] = useState<Proposal>();
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const send = useSend<Awaited<ReturnType<ReturnType<typeof calls.suggest>["send"]>>>((answer) => {
    const checks = answer.suite.checks.map((check, index) => {
      const short = shortCheck(check);
      const line = toYaml([short]).trim();
      return { check: short, line, reason: answer.reasons[index] ?? "", there: text.includes(line) };
    });
    setProposal({ checks, leftOut: answer.left_out });
    setChosen(new Set(checks.flatMap(({ there }, index) => (there ? [] : [index]))));
  });
  const call = calls.suggest(name, newest ?? 1, target.trim());
  const close = () => {
    setOpen(false);
    setProposal(undefined);
    send.reset();
  };
  return (
    <>
      <Button
        forbidden={forbidden ?? (newest === undefined ? "Needs a checked version to look at" : undefined)}
        onClick={() => setOpen(true)}
      >
        Suggest checks
      </Button>
      <Dialog title={`Checks that version ${newest ?? ""} suggests`} size="large" open={open} onClose={close}>
        <p>
          Each passes on this version, and is loose enough that chance alone does not break it. Nothing is set: what you
          choose is added to the text, to be edited and saved.
        </p>
        <TextField
          label="Column that is to be predicted (optional)"
          value={target}
          onChange={setTarget}
          help="Adds checks of its balance or its range."
        />
        <RefusalText error={send.error} what="No suggestion" />
        {proposal ? (
          <>
            <ul className={styles.proposals} aria-label="Suggested checks">
              {proposal.checks.map(({ line, reason, there }, index) => (
                <li key={line}>
                  <Checkbox
                    label={line.replace(/^- /, "")}
                    checked={chosen.has(index)}
                    onChange={(on) => {
                      const next = new Set(chosen);
                      if (on) next.add(index);
                      else next.delete(index);
                      setChosen(next);
                    }}
                  />
                  <p className={styles.quiet}>
                    {there ? "In the suite already. " : ""}
                    {reason}
                  </p>
                </li>
              ))}
            </ul>
            {proposal.leftOut.length > 0 ? (
              <details className={styles.quiet}>
                <summary>{plural(proposal.leftOut.length, "thing")} thought of and left out</summary>
                <ul>
                  {proposal.leftOut.map(({ about, why }, index) => (
                    <li key={index}>
                      {about}: {why}
                    </li>
                  ))}
                </ul>
              </details>
            ) : null}
          </>
        ) : null}
        <DialogButtons>
          <ApiCall call={call} />
          <Button onClick={close}>Close</Button>
          <Button kind={proposal ? "plain" : "primary"} busy={send.isPending} onClick={() => send.mutate(call)}>
            {proposal ? "Suggest again" : "Suggest"}
          </Button>
          {proposal ? (
            <Button
              kind="primary"
              forbidden={chosen.size === 0 ? "Choose some first" : undefined}
              onClick={() => {
                onAdd(proposal.checks.filter((_, index) => chosen.has(index)).map(({ check }) => check));
                close();
              }}
            >
              {`Add ${plural(chosen.size, "check")} to the text`}
            </Button>
          ) : null}
        </DialogButtons>
      </Dialog>
    </>
  );
}

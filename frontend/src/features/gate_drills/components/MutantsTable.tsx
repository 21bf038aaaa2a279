/** Mutants, what became of each, and what caught it; below each what happened in words. */
import { Panel } from "../../../components/Panel";
import { Tag } from "../../../components/Tag";
import { plainly } from "../../../lib/bounds";
import { number } from "../../../lib/numbers";
import { words } from "../../../lib/text";
import type { Tone } from "../../../lib/tone";
import type { Mutant } from "../api";
import styles from "./Drills.module.css";

const OUTCOMES: Record<Mutant["outcome"], { tone: Tone; says: string }> = {
  caught: { tone: "ok", says: "a gate failed it" },
  held: { tone: "attention", says: "neither passed nor shown to be bad" },
  harmless: { tone: "idle", says: "passed, and is no worse than the control" },
  got_through: { tone: "failed", says: "passed, and is worse" },
  control: { tone: "running", says: "made like the mutants, and not harmed" },
  not_applicable: { tone: "idle", says: "nothing fits this mutant" },
};

export function MutantsTable({ title, mutants, name }: { title: string; mutants: readonly Mutant[]; name: string }) {
  return (
    <Panel title={title} count={mutants.length} empty={mutants.length === 0 && "None were made."}>
      <div className={styles.scroller} tabIndex={0} role="group" aria-label={title}>
        <table className={styles.mutants}>
          <thead>
            <tr>
              <th scope="col">Mutant</th>
              <th scope="col">Outcome</th>
              <th scope="col">Caught by</th>
              <th scope="col">Figures</th>
            </tr>
          </thead>
          <tbody>
            {mutants.map(({ mutant, outcome, caught_by, figures, message }) => (
              <tr key={`${name} ${mutant}`} data-tone={outcome === "got_through" ? "failed" : undefined}>
                <th scope="row">{words(mutant)}</th>
                <td>
                  <Tag tone={OUTCOMES[outcome].tone}>{words(outcome)}</Tag>
                  <small>{OUTCOMES[outcome].says}</small>
                </td>
                <td>
                  {caught_by.length === 0 ? "–" : caught_by.join(", ")}
                  <details>
                    <summary>What happened</summary>
                    <p>{plainly(message)}</p>
                  </details>
                </td>
                <td className={styles.figures}>
                  {Object.entries(figures).map(([figure, value]) => (
                    <span key={figure}>
                      {figure} {number(value)}
                    </span>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** The alpha that comparisons on the same rows share: what each has spent, and what the next may use. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CopyId } from "../../../components/Copy";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { number } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import { alphaBudgetQuery, type AlphaBudget } from "../api";
import { spentOf } from "../spending";
import styles from "./AlphaBudgetPanel.module.css";

export function AlphaBudgetPanel({ name }: { name: string }) {
  const query = useQuery(alphaBudgetQuery(name));
  return (
    <Panel title="Alpha budget">
      <Read query={query} what="the alpha budget">
        {(budget) =>
          budget.rule === null || budget.alpha === null ? (
            <p>The policy has no gate against the champion, so nothing is spent.</p>
          ) : (
            <Budget budget={budget} alpha={budget.alpha} />
          )
        }
      </Read>
    </Panel>
  );
}

const RULES: Record<string, string> = {
  bonferroni:
    "Bonferroni: each comparison on the same rows may use an equal part of alpha; then fresh rows are needed.",
  investing: "Alpha investing: an improvement that is found earns alpha back, one that is not costs some.",
  none: "None: repeated comparisons on the same rows are not protected, and find improvements by chance.",
};

function Budget({ budget, alpha }: { budget: AlphaBudget; alpha: number }) {
  const rule = budget.rule?.rule ?? "none";
  return (
    <div className={styles.budget}>
      <p>
        Alpha {number(alpha)}. {RULES[rule]}
      </p>
      {budget.holdouts.length === 0 ? (
        <p>No comparison yet. {budget.fresh?.message}</p>
      ) : (
        budget.holdouts.map((holdout) => <Holdout key={holdout.id} holdout={holdout} alpha={alpha} />)
      )}
    </div>
  );
}

function Holdout({ holdout, alpha }: { holdout: AlphaBudget["holdouts"][number]; alpha: number }) {
  const { id, comparisons, next } = holdout;
  const { parts, left } = spentOf(holdout, alpha);
  return (
    <section className={styles.holdout} aria-label={`Holdout ${id}`}>
      <p className={styles.head}>
        <strong>Holdout</strong>
        <CopyId id={id} noun="holdout" />
        <span>{plural(comparisons.length, "comparison")}</span>
        {next.left === null ? null : <span>{number(next.left)} left</span>}
      </p>
      {next.left === null ? null : (
        <div
          className={styles.bar}
          role="img"
          aria-label={`${plural(parts.length, "comparison")} took ${number(alpha - next.left)} of ${number(alpha)}; ${number(next.left)} is left`}
        >
          {parts.map(({ key, share, found }) => (
            <span key={key} style={{ width: `${share * 100}%` }} data-tone={found ? "ok" : "attention"} />
          ))}
          <span style={{ width: `${left * 100}%` }} className={styles.left} />
        </div>
      )}
      {next.share === null ? (
        <Notice tone="failed" title="The alpha of these rows is spent">
          <p>
            Any further comparison on them is inconclusive. Bring a fresh holdout: new rows, named by `on` in the
            policy.
          </p>
        </Notice>
      ) : (
        <p className={styles.next}>Next: {next.message}</p>
      )}
      <details>
        <summary>Comparisons</summary>
        <ol className={styles.list}>
          {comparisons.map((one) => (
            <li key={one.promotion_id + one.spent_at}>
              <Link to="/promotions/$id" params={{ id: one.promotion_id }}>
                …{one.promotion_id.slice(-8)}
              </Link>
              <span>{number(one.share)}</span>
              <Tag tone={one.rejected ? "ok" : "idle"}>{one.rejected ? "improvement found" : "none found"}</Tag>
              <RelativeTime at={one.spent_at} />
            </li>
          ))}
        </ol>
      </details>
    </section>
  );
}

/** What one stage says: its state, its latest fact, why, and what next if something is wrong. */
import { Glyph } from "../../../components/Glyph";
import { RelativeTime } from "../../../components/RelativeTime";
import type { ShownStage } from "../stages";
import styles from "./StageCard.module.css";

const QUIET = new Set(["idle", "ok"]);

export function StageCard({ stage }: { stage: ShownStage }) {
  const { fact, tone } = stage;
  const unwell = tone === "failed" || tone === "attention";
  return (
    <article className={styles.card} data-tone={tone} data-stage={stage.name}>
      <header className={styles.head}>
        <span className={styles.glyph}>
          <Glyph tone={tone} />
        </span>
        <h3 className={styles.title}>{stage.title}</h3>
        <span className={QUIET.has(tone) ? "offscreen" : styles.state}>{fact?.state ?? "idle"}</span>
        {fact?.at ? <RelativeTime at={fact.at} /> : null}
      </header>
      <p className={styles.headline} title={fact?.subject ?? undefined}>
        {fact?.headline ?? "Nothing yet"}
      </p>
      {fact?.detail ? <p className={styles.detail}>{fact.detail}</p> : null}
      {unwell ? <p className={styles.next}>{stage.next}</p> : null}
    </article>
  );
}

/** The small sign of a tone: a check, a cross, an exclamation mark, a turning arc, a dot. */
import { classes } from "../lib/classes";
import type { Tone } from "../lib/tone";
import styles from "./Glyph.module.css";

const PATHS: Record<Tone, string> = {
  idle: "M8.5 12h7",
  running: "M12 5.5a6.5 6.5 0 1 1-6.5 6.5",
  ok: "m6.5 12.5 3.7 3.7 7.3-8",
  attention: "M12 6.5v6.5m0 4h.01",
  failed: "m7.5 7.5 9 9m0-9-9 9",
};

/** Drawn in a 24 by 24 box, for use inside a larger SVG. */
export function GlyphPath({ tone }: { tone: Tone }) {
  return <path className={classes(styles.path, tone === "running" && styles.turning)} d={PATHS[tone]} />;
}

export function Glyph({ tone }: { tone: Tone }) {
  return (
    <svg className={styles.glyph} data-tone={tone} viewBox="0 0 24 24" aria-hidden="true">
      <circle className={styles.disc} cx="12" cy="12" r="11" />
      <GlyphPath tone={tone} />
    </svg>
  );
}

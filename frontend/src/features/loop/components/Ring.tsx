/** The picture: a mill wheel inside the race, one node per stage, water moving where work is going on. */
import { GlyphPath } from "../../../components/Glyph";
import { classes } from "../../../lib/classes";
import { arc, CENTRE, HEIGHT, NODE, node, onCircle, WIDTH, type Point } from "../geometry";
import type { ShownStage } from "../stages";
import styles from "./Ring.module.css";

const WHEEL_RADIUS = 124;
const PADDLES = Array.from({ length: 24 }, (_, index) => (index * 2 * Math.PI) / 24);

function Wheel({ turning }: { turning: boolean }) {
  return (
    <g className={classes(styles.wheel, turning && styles.turning)}>
      <circle cx={CENTRE.x} cy={CENTRE.y} r={WHEEL_RADIUS} />
      {PADDLES.map((angle) => {
        const inner = onCircle(angle, WHEEL_RADIUS);
        const outer = onCircle(angle + 0.05, WHEEL_RADIUS + 15);
        return <path key={angle} d={`M${inner.x} ${inner.y}L${outer.x} ${outer.y}`} />;
      })}
    </g>
  );
}

function Race({ from, to, towards }: { from: Point; to: Point; towards: ShownStage }) {
  const { path, middle } = arc(from, to);
  const tip = onCircle(middle);
  return (
    <g data-tone={towards.tone}>
      <path className={classes(styles.race, towards.tone === "running" && styles.flowing)} d={path} />
      {towards.tone === "running" ? null : (
        <path
          className={styles.direction}
          d="M-4-7 3 0-4 7"
          transform={`translate(${tip.x} ${tip.y}) rotate(${(middle * 180) / Math.PI})`}
        />
      )}
    </g>
  );
}

function Node({ at, stage }: { at: Point; stage: ShownStage }) {
  const edge = at.side === "right" ? WIDTH : 0;
  const from = at.x + (at.side === "right" ? NODE + 6 : -NODE - 6);
  return (
    <g data-tone={stage.tone}>
      <path className={styles.leader} d={`M${from} ${at.y}H${edge}`} />
      <circle className={styles.node} cx={at.x} cy={at.y} r={NODE} />
      <g transform={`translate(${at.x - 15} ${at.y - 15}) scale(1.25)`}>
        <GlyphPath tone={stage.tone} />
      </g>
    </g>
  );
}

export function Ring({ stages }: { stages: readonly ShownStage[] }) {
  const points = stages.map((_, index) => node(index));
  const described = stages.map((stage) => `${stage.title}: ${stage.fact?.state ?? "idle"}`).join(", ");
  return (
    <svg
      className={styles.ring}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`The loop, clockwise. ${described}.`}
    >
      <Wheel turning={stages.some((stage) => stage.tone === "running")} />
      {stages.map((stage, index) => {
        const at = points[index];
        const before = points[(index + stages.length - 1) % stages.length];
        return at && before ? (
          <g key={stage.name}>
            <Race from={before} to={at} towards={stage} />
            <Node at={at} stage={stage} />
          </g>
        ) : null;
      })}
    </svg>
  );
}

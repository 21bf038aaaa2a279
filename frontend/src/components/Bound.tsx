/** A figure with its interval against what is allowed, as small as a word: the shaded side is refused. */
import type { Bounds } from "../lib/bounds";
import { number } from "../lib/numbers";
import styles from "./Bound.module.css";

interface BoundProps {
  value: number;
  low?: number | null | undefined;
  high?: number | null | undefined;
  bounds: Bounds;
  tone: string;
  label: string;
}

const [WIDTH, HEIGHT] = [150, 24];

export function Bound({ value, low, high, bounds: { min, max }, tone, label }: BoundProps) {
  const known = [value, low, high, min, max].filter((one): one is number => typeof one === "number");
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const room = (most - least || Math.abs(most) || 1) * 0.18;
  const x = (at: number) => ((at - least + room) / (most - least + 2 * room)) * WIDTH;
  const middle = HEIGHT / 2;
  const interval = low === null || low === undefined || high === null || high === undefined ? undefined : [low, high];
  const said = interval ? `${number(value)}, from ${number(interval[0])} to ${number(interval[1])}` : number(value);
  return (
    <svg
      className={styles.bound}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      data-tone={tone}
      role="img"
      aria-label={`${label}: ${said}`}
    >
      <path className={styles.axis} d={`M0 ${middle}H${WIDTH}`} />
      {min === undefined ? null : <rect className={styles.refused} x={0} y={0} width={x(min)} height={HEIGHT} />}
      {max === undefined ? null : (
        <rect className={styles.refused} x={x(max)} y={0} width={WIDTH - x(max)} height={HEIGHT} />
      )}
      {[min, max].map((at) =>
        at === undefined ? null : <path key={at} className={styles.limit} d={`M${x(at)} 0v${HEIGHT}`} />,
      )}
      {interval ? (
        <path
          className={styles.interval}
          d={`M${x(interval[0] ?? value)} ${middle}H${x(interval[1] ?? value)}M${x(interval[0] ?? value)} ${middle - 4}v8M${x(interval[1] ?? value)} ${middle - 4}v8`}
        />
      ) : null}
      <circle className={styles.value} cx={x(value)} cy={middle} r={4} />
    </svg>
  );
}

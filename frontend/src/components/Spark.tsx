/** A histogram or a series as small as a word, for table cells. */
import styles from "./Spark.module.css";

const [WIDTH, HEIGHT] = [96, 22];

export function Bars({ values, label }: { values: readonly number[]; label: string }) {
  const most = Math.max(...values, 0) || 1;
  const step = WIDTH / Math.max(values.length, 1);
  return (
    <svg className={styles.spark} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {values.map((value, index) => {
        const height = Math.max((value / most) * HEIGHT, value > 0 ? 1 : 0);
        return (
          <rect key={index} x={index * step} y={HEIGHT - height} width={Math.max(step - 1, 0.5)} height={height} />
        );
      })}
    </svg>
  );
}

/** A share as a bar: progress, traffic, the part of an alpha budget. */
export function Meter({ share, label, tone = "running" }: { share: number; label: string; tone?: string }) {
  const width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  return (
    <span className={styles.meter} data-tone={tone} role="img" aria-label={label} title={label}>
      <span style={{ width }} />
    </span>
  );
}

/** Numbers as people read them. */

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compactFormat = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Four significant digits; "NaN" and "∞" are said as they are, an absent number is a dash. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return grouped.format(value);
  if (size >= 10_000) return grouped.format(value);
  if (size !== 0 && size < 1e-4) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** "12.3K": for axes and tiles. */
export function compact(value: number): string {
  return compactFormat.format(value);
}

/** A share between 0 and 1 as "12.3 %". */
export function percent(share: number | null | undefined, digits = 1): string {
  if (share === null || share === undefined) return "–";
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : "NaN";
}

/** Bytes with the unit that keeps the number small. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = count;
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit] ?? "B"}`;
}

/** Milliseconds as "3.4 ms" or "1.2 s". */
export function millis(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value < 1000 ? `${number(Number(value.toPrecision(3)))} ms` : `${(value / 1000).toFixed(1)} s`;
}

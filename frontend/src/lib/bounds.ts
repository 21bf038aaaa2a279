/** A figure beside what was asked of it: which side is allowed, and whether an interval's end is known. */

export interface Bounds {
  min?: number;
  max?: number;
}

/** What the server writes where an interval has no bound on that side. */
const ENDLESS = 1e5;

/** An end of an interval; null where it has none. */
export function end(value: number | null | undefined): number | null {
  return value === null || value === undefined || Math.abs(value) >= ENDLESS ? null : value;
}

/** Sentences that the server once wrote with ends that are none written as such: "[-100000000.0%, +7.4%]" -> "[no bound, +7.4%]". */
export function plainly(message: string): string {
  return message.replaceAll(/[+-]1(?:00000000|e\+?08)(?:\.0+)?%/g, "no bound");
}

/** Checks of which more is better; of the others the threshold is the most that is allowed. */
const AT_LEAST = new Set(["minimum_functionality", "directional", "pinned"]);

/** "at least 0.9", "at most 40", "at least 1 and at most 2", or a number of a kind of check. */
export function boundsOf(kind: string, threshold: number | string | null | undefined): Bounds | undefined {
  if (typeof threshold === "number") return AT_LEAST.has(kind) ? { min: threshold } : { max: threshold };
  const found = (side: string) => {
    const [, text] = new RegExp(`at ${side} (-?[\\d.]+(?:e[+-]?\\d+)?)`).exec(threshold ?? "") ?? [];
    return text === undefined ? undefined : Number(text);
  };
  const [min, max] = [found("least"), found("most")];
  if (min === undefined && max === undefined) return undefined;
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

/** "at most 0.05": what is asked, in words. */
export function asked(kind: string, threshold: number | string | null | undefined, format: (value: number) => string) {
  const bounds = boundsOf(kind, threshold);
  if (!bounds) return threshold === null || threshold === undefined ? undefined : String(threshold);
  const { min, max } = bounds;
  return [min === undefined ? "" : `at least ${format(min)}`, max === undefined ? "" : `at most ${format(max)}`]
    .filter(Boolean)
    .join(", ");
}

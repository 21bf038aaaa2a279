/** Rows of a table by a text and in an order: quick enough for 10,000 of them between two frames. */

/** What a row is ordered and found by in a column. */
export type Value = string | number | boolean | null | undefined;

/** Digits that a number in a name is compared by: "part-9" before "part-10". */
const DIGITS = 15;

function keyOf(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/\d+/g, (digits) => digits.padStart(DIGITS, "0"));
}

const isNothing = (value: Value) => value === null || value === undefined || Number.isNaN(value);

/** The rows by their values: numbers by size, texts as people order names; NaN and nothing last, whichever way. */
export function ordered<T>(rows: readonly T[], value: (row: T) => Value, descending: boolean): T[] {
  const sign = descending ? -1 : 1;
  const [numbers, texts, rest]: [[number, T][], [string, T][], T[]] = [[], [], []];
  for (const row of rows) {
    const found = value(row);
    if (isNothing(found)) rest.push(row);
    else if (typeof found === "number") numbers.push([found, row]);
    else texts.push([keyOf(String(found)), row]);
  }
  numbers.sort(([a], [b]) => sign * (a - b || 0));
  texts.sort(([a], [b]) => (a === b ? 0 : a < b ? -sign : sign));
  const known = descending ? [...texts, ...numbers] : [...numbers, ...texts];
  return [...known.map(([, row]) => row), ...rest];
}

/** Finds the rows that have the text in any value. What a row says is put together once. */
export function finder<T extends object>(values: readonly ((row: T) => Value)[]) {
  const known = new WeakMap<T, string>();
  const textOf = (row: T) => {
    const parts: string[] = [];
    for (const value of values) {
      const found = value(row);
      if (!isNothing(found)) parts.push(String(found));
    }
    const text = parts.join("\n").toLowerCase();
    known.set(row, text);
    return text;
  };
  return (rows: readonly T[], text: string): readonly T[] => {
    const wanted = text.toLowerCase();
    return wanted ? rows.filter((row) => (known.get(row) ?? textOf(row)).includes(wanted)) : rows;
  };
}

/** The failing rows of a check as a person reads them: the words that changed, or the columns of a row. Pure. */

import { shownValue } from "../../lib/values";

export type Example = Record<string, unknown>;

export interface Part {
  text: string;
  /** In the other text this is otherwise. */
  differs: boolean;
}

/** Both texts word by word, with what only one of them has marked (longest common subsequence). */
export function changed(before: string, after: string): { before: Part[]; after: Part[] } {
  const [left, right] = [before.split(/(?<=\s)/), after.split(/(?<=\s)/)];
  if (left.length * right.length > 250_000)
    return { before: [{ text: before, differs: true }], after: [{ text: after, differs: true }] };
  const width = right.length + 1;
  const longest = new Uint16Array((left.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        left[i]?.trim() === right[j]?.trim() ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const [was, is]: [Part[], Part[]] = [[], []];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [one, other] = [left[i], right[j]];
    if (one !== undefined && one.trim() === other?.trim()) {
      was.push({ text: one, differs: false });
      is.push({ text: other, differs: false });
      i += 1;
      j += 1;
    } else if (other === undefined || (one !== undefined && at(i + 1, j) >= at(i, j + 1))) {
      was.push({ text: one ?? "", differs: true });
      i += 1;
    } else {
      is.push({ text: other, differs: true });
      j += 1;
    }
  }
  return { before: was, after: is };
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** What changed and what was answered, of an example that has a before and an after. */
export function moveOf(example: Example) {
  if (!("before" in example) || !("after" in example)) return undefined;
  const [before, after] = [record(example.before), record(example.after)];
  return {
    columns: Object.keys({ ...before, ...after }).map((name) => ({
      name,
      ...changed(shownValue(before[name]), shownValue(after[name])),
    })),
    answers: { before: shownValue(example.answer_before), after: shownValue(example.answer_after) },
    chances: { before: chance(example.probability_before), after: chance(example.probability_after) },
  };
}

function chance(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

const OUTSIDE = [
  "row",
  "expected",
  "got",
  "probability",
  "probabilities",
  "trained",
  "served",
  "error",
  "note",
  "pin_id",
];

/** A row with its columns beside what was expected and got; columns that are not an `instance` are shown as they are. */
export function flat(example: Example): Record<string, string> {
  const { instance, ...rest } = example;
  const said = OUTSIDE.filter((name) => rest[name] !== undefined && rest[name] !== "").map(
    (name) => [name, name === "probabilities" ? chances(rest[name]) : shownValue(rest[name])] as const,
  );
  const others = Object.entries(rest).filter(([name]) => !OUTSIDE.includes(name));
  const columns = [...others, ...Object.entries(record(instance))].map(
    ([name, value]) => [name, shownValue(value)] as const,
  );
  return Object.fromEntries([...said, ...columns]);
}

function chances(value: unknown): string {
  return Object.entries(record(value))
    .map(([label, of]) => `${label}: ${typeof of === "number" ? `${(of * 100).toFixed(1)} %` : shownValue(of)}`)
    .join(", ");
}

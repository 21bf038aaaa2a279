/** An answer beside the truth, as far as that is known. */
import { number } from "../../lib/numbers";

export type Value = number | string | boolean | null;

/** Numbers are off by something; labels are right or wrong. Undefined while the truth is not known. */
export function judged(answer: Value, truth: Value): { words: string; wrong: boolean } | undefined {
  if (truth === null) return undefined;
  if (typeof truth === "number" && typeof answer === "number") {
    return { words: `off by ${number(answer - truth)}`, wrong: false };
  }
  const right = String(truth) === String(answer);
  return { words: right ? "right" : "wrong", wrong: !right };
}

export function said(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

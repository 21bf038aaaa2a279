/** How a row is told in words: what was answered, how sure, how far off. Pure. */
import { number, percent } from "../../lib/numbers";
import type { Label, ShownRow } from "./api";

export const KINDS: Record<string, { label: string; help: string }> = {
  confident_mistakes: { label: "Most confident mistakes", help: "Wrong and sure of it, or furthest from the truth." },
  borderline: { label: "Borderline", help: "The two likeliest labels are closest together." },
  disagreements: { label: "Disagreements", help: "The other version answers otherwise." },
  incorrect: { label: "Incorrect", help: "A sample of the mistakes." },
  correct: { label: "Correct", help: "A sample of what is right, or of the smallest errors." },
  random: { label: "Random", help: "A sample of all rows." },
};

export const FINDINGS = {
  model_wrong: "The model is wrong",
  label_wrong: "The label is wrong",
  ambiguous: "Nobody can tell",
  fine: "All is well",
} as const;

export function labelText(label: Label | null | undefined): string {
  if (label === null || label === undefined) return "–";
  return typeof label === "number" ? number(label) : String(label);
}

/** "0 (89 %)". */
export function answerText(label: Label | null | undefined, confidence: number | null | undefined): string {
  return typeof confidence === "number" ? `${labelText(label)} (${percent(confidence, 0)})` : labelText(label);
}

/** A lone text is read as a sentence; other rows are columns. */
export function soleText({ instance }: ShownRow): string | undefined {
  const [only, ...others] = Object.values(instance);
  return others.length === 0 && typeof only === "string" ? only : undefined;
}

/** What a person types as the expected answer, as the label it stands for: of the type that the truth has. */
export function labelOf(text: string, truth: Label): Label | undefined {
  const said = text.trim();
  if (said === "") return undefined;
  if (typeof truth === "boolean") return said === "true" ? true : said === "false" ? false : undefined;
  if (typeof truth !== "number") return text;
  const value = Number(said);
  return Number.isFinite(value) ? value : undefined;
}

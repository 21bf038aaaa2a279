/** A row for the model from what was typed, and the programs that send it. */
import type { InputColumn } from "./api";

export type Row = Record<string, string | number | boolean | null>;

export const startOf = (inputs: readonly InputColumn[]): Record<string, string> =>
  Object.fromEntries(
    inputs.map(({ name, example }) => [name, example === null || example === undefined ? "" : String(example)]),
  );

function valueOf({ type, nullable }: InputColumn, text: string): { value: Row[string] } | { error: string } {
  if (text.trim() === "" && nullable) return { value: null };
  if (type === "boolean") return text === "" ? { error: "Needed." } : { value: text === "true" };
  if (type === "string") return { value: text };
  if (text.trim() === "") return { error: "Needed." };
  if (type === "datetime") return { value: text };
  const number = Number(text);
  if (!Number.isFinite(number)) return { error: "Not a number." };
  return type === "integer" && !Number.isInteger(number) ? { error: "Not a whole number." } : { value: number };
}

/** The row, with what is wrong per column. */
export function rowOf(inputs: readonly InputColumn[], texts: Record<string, string>) {
  const row: Row = {};
  const errors: Record<string, string> = {};
  for (const input of inputs) {
    const found = valueOf(input, texts[input.name] ?? "");
    if ("error" in found) errors[input.name] = found.error;
    else row[input.name] = found.value;
  }
  return { row, errors };
}

const pythonValue = (value: Row[string]) =>
  value === null ? "None" : typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value);

export function asPython(url: string, row: Row): string {
  const fields = Object.entries(row).map(([name, value]) => `    ${JSON.stringify(name)}: ${pythonValue(value)},`);
  return [
    "import os, requests",
    "",
    "row = {",
    ...fields,
    "}",
    "answer = requests.post(",
    `    ${JSON.stringify(url)},`,
    '    headers={"Authorization": f"Bearer {os.environ[\'MILLRACE_TOKEN\']}"},',
    '    json={"instances": [row]},',
    ")",
    "answer.raise_for_status()",
    "print(answer.json())",
  ].join("\n");
}

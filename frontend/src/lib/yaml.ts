/** Documents as people write them: values as YAML, and the line that an error of the server speaks of. */

const WIDTH = 100;

/** Words that some reader of YAML takes for something else than text. */
const TAKEN = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_ ./()@%-]*$/;

function scalar(value: unknown): string {
  if (typeof value === "number" && Number.isFinite(value)) {
    // A float without a point is text for YAML 1.1.
    return String(value).replace(/^(-?\d+)e/, "$1.0e");
  }
  if (typeof value === "string") {
    return PLAIN.test(value) && !TAKEN.test(value) && !value.endsWith(" ") ? value : JSON.stringify(value);
  }
  return value === undefined ? "null" : JSON.stringify(value);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** On one line: `{check: unique, columns: [id]}`. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (!isMap(value)) return scalar(value);
  return `{${Object.entries(value)
    .map(([key, of]) => `${scalar(key)}: ${flow(of)}`)
    .join(", ")}}`;
}

function block(value: unknown, indent: string): string[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((one: unknown) => {
      if (fits(one, indent)) return [`${indent}- ${flow(one)}`];
      const [first = "", ...rest] = block(one, `${indent}  `);
      return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
    });
  }
  if (isMap(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, of]) => {
      const name = `${indent}${scalar(key)}:`;
      // Lists of things stand one below the other even when they would fit.
      const open = Array.isArray(of) && of.some(isMap);
      return !open && fits(of, name) ? [`${name} ${flow(of)}`] : [name, ...block(of, `${indent}  `)];
    });
  }
  return [`${indent}${flow(value)}`];
}

function fits(value: unknown, before: string): boolean {
  const nested = Array.isArray(value) || isMap(value);
  return !nested || before.length + flow(value).length <= WIDTH;
}

/** The value (what JSON can say) as YAML, lists and maps on one line where they fit. */
export function toYaml(value: unknown): string {
  return `${block(value, "").join("\n")}\n`;
}

/** The fields of a spec but for those that are as they would be without being said: null, or as in `defaults`. */
export function withoutDefaults(spec: object, defaults: Record<string, unknown> = {}): Record<string, unknown> {
  const said = ([key, value]: [string, unknown]) =>
    value !== null && JSON.stringify(value) !== JSON.stringify(defaults[key]);
  return Object.fromEntries(Object.entries(spec).filter(said));
}

/** A spec as one would write it: without what is null or empty, at any depth. */
export function brief(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(brief);
  if (typeof value !== "object" || value === null) return value;
  const pairs = Object.entries(value)
    .map(([key, inner]) => [key, brief(inner)] as const)
    .filter(([, inner]) => inner !== null && !(typeof inner === "object" && Object.keys(inner).length === 0));
  return Object.fromEntries(pairs);
}

const indentOf = (line: string) => line.length - line.trimStart().length;
const isText = (line: string) => line.trim() !== "" && !line.trimStart().startsWith("#");

/**
 * The number (from 1) of the line that `where` names: `line 3, column 5`, or a path as `body.checks.2.max`, followed as
 * far as the lines of the text show it. Undefined when it is the whole document.
 */
export function lineOf(text: string, where: string | undefined): number | undefined {
  const said = /^line (\d+)/.exec(where ?? "");
  if (said) return Number(said[1]);
  const parts = (where ?? "").replace(/^body\.?/, "").split(".");
  const lines = text.split("\n");
  let [from, to] = [0, lines.length];
  let found: number | undefined;
  for (const part of parts) {
    const inside = lines.slice(from, to);
    const first = inside.find(isText);
    if (first === undefined || part === "") break;
    const indent = indentOf(first);
    const starts = inside.flatMap((line, index) => {
      if (!isText(line) || indentOf(line) !== indent) return [];
      const dash = line.trimStart().startsWith("-");
      return /^\d+$/.test(part) ? (dash ? [index] : []) : isKey(line, part) ? [index] : [];
    });
    const start = starts[/^\d+$/.test(part) ? Number(part) : 0];
    if (start === undefined) break;
    const line = from + start;
    found = line + 1;
    const end = lines.findIndex((other, index) => index > line && isText(other) && indentOf(other) <= indent);
    // A list may stand no deeper than its key.
    const list = lines.findIndex((other, index) => index > line && isText(other));
    const flat = list >= 0 && indentOf(lines[list] ?? "") === indent && /^\s*- /.test(lines[list] ?? "");
    const after = lines.findIndex(
      (other, index) => index > line && isText(other) && indentOf(other) <= indent && !/^\s*-/.test(other),
    );
    to = Math.min(to, flat ? (after < 0 ? to : after) : end < 0 ? to : end);
    const dashed = /^(\s*-\s+)(?![{[])/.exec(lines[line] ?? "");
    // The keys of a list's entry begin on the line of its dash.
    if (dashed) lines[line] = " ".repeat(dashed[1]?.length ?? 0) + (lines[line] ?? "").slice(dashed[1]?.length);
    from = dashed ? line : line + 1;
  }
  return found;
}

function isKey(line: string, key: string): boolean {
  const text = line.trimStart();
  return text.startsWith(`${key}:`) || text.startsWith(`"${key}":`) || text.startsWith(`'${key}':`);
}

/** The text with `entries` added at the end of the list `key`, made when it is not there. The rest stays as it is. */
export function addToList(text: string, key: string, entries: readonly unknown[]): string {
  const lines = text.replace(/\s+$/, "").split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${key}:`));
  const add = (indent: string) => block(entries, indent);
  if (start < 0) return [...lines.filter((line) => line !== ""), `${key}:`, ...add("  "), ""].join("\n");
  const next = lines.findIndex((line, index) => index > start && isText(line) && /^[^\s-]/.test(line));
  const end = next < 0 ? lines.length : next;
  const before = lines.slice(0, end);
  const entry = before.slice(start + 1).find((line) => line.trimStart().startsWith("-"));
  // `checks: []` has nothing to add to.
  if (entry === undefined) before[start] = `${key}:`;
  return [...before, ...add(" ".repeat(entry === undefined ? 2 : indentOf(entry))), ...lines.slice(end), ""].join("\n");
}

/** Two texts line by line: which lines are in both, which in one alone. */

export interface DiffLine {
  left: string | undefined;
  right: string | undefined;
}

/** Above this many pairs of lines the middle is shown as wholly different: a table of them would take too long. */
const MOST_PAIRS = 4_000_000;

/** Rows for showing the texts side by side; equal lines share a row. Longest common subsequence. */
export function lineDiff(left: string, right: string): DiffLine[] {
  const [a, b] = [left.split("\n"), right.split("\n")];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const same = (lines: string[]) => lines.map((line) => ({ left: line, right: line }));
  return [
    ...same(a.slice(0, head)),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ];
}

function middle(a: string[], b: string[]): DiffLine[] {
  if (a.length * b.length > MOST_PAIRS) return paired(a, b);
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const [down, right, both] = [(i + 1) * width + j, i * width + j + 1, (i + 1) * width + j + 1];
      longest[i * width + j] =
        a[i] === b[j] ? (longest[both] ?? 0) + 1 : Math.max(longest[down] ?? 0, longest[right] ?? 0);
    }
  }
  const rows: DiffLine[] = [];
  let [onlyA, onlyB]: [string[], string[]] = [[], []];
  const flush = () => {
    rows.push(...paired(onlyA, onlyB));
    [onlyA, onlyB] = [[], []];
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      flush();
      rows.push({ left: a[i], right: b[j] });
      i += 1;
      j += 1;
    } else if (
      j >= b.length ||
      (i < a.length && (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0))
    ) {
      onlyA.push(a[i] ?? "");
      i += 1;
    } else {
      onlyB.push(b[j] ?? "");
      j += 1;
    }
  }
  flush();
  return rows;
}

/** Changed lines beside each other, as far as there are two. */
function paired(a: string[], b: string[]): DiffLine[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => ({ left: a[index], right: b[index] }));
}

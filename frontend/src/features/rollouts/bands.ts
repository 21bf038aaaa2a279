/** What is known of each quantity over the requests, as a chart draws it. */
import type { Line } from "../../components/charts/Lines";
import { number } from "../../lib/numbers";
import { words } from "../../lib/text";
import type { Evidence, Sequence } from "./api";

export interface Drawn {
  lines: Line[];
  marks: { at: number; name: string }[];
  spans: { from: number; to: number; name: string }[];
  moments: { at: number; name: string }[];
  range: [number, number];
  format: (value: number) => string;
}

const asShare = (value: number) => `${Number((value * 100).toPrecision(3))} %`;
const asRatio = (value: number) => `${number(Number(value.toPrecision(3)))}×`;

/** Null where nothing has been ruled out at any time: a sentence says that better than an empty chart. */
export function drawn(sequence: Sequence, decisions: Evidence["decisions"], steps: readonly string[]): Drawn | null {
  const { points, measure, allowed, failed } = sequence;
  if (points.every(({ low, high }) => low === null && high === null)) return null;
  const format = measure === "share" ? asShare : asRatio;
  const open = measure === "share" ? 1 : Infinity;
  return {
    lines: [
      {
        name: "candidate against control",
        points: points.map(({ requests, estimate }) => [requests, estimate ?? null]),
        band: points.map(({ low, high }) => [low ?? 0, high ?? open]),
        tone: failed ? "failed" : "running",
      },
    ],
    marks: allowed === null ? [] : [{ at: allowed, name: `fails at ${format(allowed)}` }],
    spans: spansOf(points, steps),
    moments: decisions.flatMap(({ requests, move }) =>
      move === "step" ? [] : [{ at: requests, name: DECIDED[move] ?? words(move) }],
    ),
    range: [0, most(sequence)],
    format,
  };
}

const DECIDED: Record<string, string> = { pause: "paused", switch: "switched", roll_back: "rolled back" };

/** So much that the late band and what is allowed are seen well; what was far wider before is cut off. */
function most({ points, measure, allowed }: Sequence): number {
  const last = points.at(-1);
  const limit = 4 * Math.max(last?.high ?? 0, last?.low ?? 0, allowed ?? 0);
  const ends = points.slice(Math.floor(points.length / 2)).flatMap(({ low, estimate, high }) => [low, estimate, high]);
  const tops = ends.map((end) => Math.min(end ?? 0, limit));
  const top = 1.05 * Math.max(...tops, 1.25 * (allowed ?? 0));
  return measure === "share" ? Math.min(top, 1) : top;
}

/** One stripe a step, from the requests it began after to those it ended after; narrow ones are left without a name. */
function spansOf(points: Sequence["points"], steps: readonly string[]): Drawn["spans"] {
  const spans: { step: number; from: number; to: number }[] = [];
  for (const { step, requests } of points) {
    const last = spans.at(-1);
    if (last?.step === step) last.to = requests;
    else spans.push({ step, from: last?.to ?? 0, to: requests });
  }
  const all = points.at(-1)?.requests ?? 0;
  return spans.map(({ step, from, to }) => ({
    from,
    to,
    name: to - from < all / 6 ? "" : (steps[step] ?? "late labels"),
  }));
}

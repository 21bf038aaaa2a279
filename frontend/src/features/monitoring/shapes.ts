/** What the server tells about windows, as charts want it. Pure. */
import { number } from "../../lib/numbers";
import type { Distribution, HeatMapRead } from "./api";

/** Stands in the heat map where a column was broken: it has no effect to show. */
const BROKEN = 1e9;

/** Effects as multiples of their thresholds: from 1 on a feature may be drifted, whatever its threshold. */
export function heat(map: Pick<HeatMapRead, "features">): (number | null)[][] {
  return map.features.map(({ psi, threshold, broken }) =>
    psi.map((effect, place) => {
      if (broken.includes(place)) return BROKEN;
      const alarm = threshold[place];
      return effect === null || !alarm ? null : effect / alarm;
    }),
  );
}

export function heatText(value: number): string {
  return value >= BROKEN ? "broken" : `PSI ${number(Number(value.toPrecision(3)))} times its threshold`;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

export function clockText(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : clock.format(time);
}

/** Names of a distribution's bins: one more than it has edges or labels. Open ends where nothing lies are left out. */
export function bars({ kind, edges, labels, reference, window }: Distribution) {
  const names =
    kind === "category"
      ? [...labels, "others"]
      : edges.length === 0
        ? ["all"]
        : [
            `below ${number(edges[0])}`,
            ...edges.slice(1).map((end, index) => `${number(edges[index])} – ${number(end)}`),
            `above ${number(edges.at(-1))}`,
          ];
  const ends = kind === "category" ? [names.length - 1] : [0, names.length - 1];
  const shown = names
    .map((_, place) => place)
    .filter((place) => {
      return !ends.includes(place) || (reference[place] ?? 0) > 0 || (window[place] ?? 0) > 0;
    });
  const pick = (shares: readonly number[]) => shown.map((place) => shares[place] ?? 0);
  return { names: shown.map((place) => names[place] ?? ""), reference: pick(reference), window: pick(window) };
}

/** What a check tells beside its figure: curves, reliability, shares, rates by group, slices. */
import { useMemo } from "react";
import { Histogram } from "../../../components/charts/Histogram";
import { Intervals } from "../../../components/charts/Intervals";
import { Lines } from "../../../components/charts/Lines";
import { percent } from "../../../lib/numbers";
import type { CheckResult } from "../api";
import { columnsOf, curveOf, ratesOf, reliabilityOf, sharesOf } from "../details";
import { SlicesTable } from "./SlicesTable";

/** Whether there is something to open. */
export function hasDetails({ details, slices, examples }: CheckResult): boolean {
  return (
    slices.length > 0 ||
    examples.length > 0 ||
    Boolean(curveOf(details) ?? reliabilityOf(details) ?? sharesOf(details)) ||
    ratesOf(details).length > 0 ||
    columnsOf(details).length > 0
  );
}

const share = (value: number) => percent(value);

export function Details({ result: { details, slices, threshold, name } }: { result: CheckResult }) {
  const drawn = useMemo(
    () => ({
      curve: curveOf(details),
      reliability: reliabilityOf(details),
      shares: sharesOf(details),
      rates: ratesOf(details),
      columns: columnsOf(details).slice(0, 15),
    }),
    [details],
  );
  const { curve, reliability, shares, rates, columns } = drawn;
  return (
    <>
      {curve ? <Curve curve={curve} /> : null}
      {reliability ? <Reliability bins={reliability} /> : null}
      {shares ? <Shares shares={shares} /> : null}
      {rates.map(({ rate, groups }) => (
        <div key={rate}>
          <p>{rate}</p>
          <Intervals label={`${name}: ${rate}, by group`} intervals={groups} format={share} />
        </div>
      ))}
      {columns.length > 0 ? (
        <div>
          <p>Share of the skill that shuffling a column destroys</p>
          <Columns columns={columns} limit={typeof threshold === "number" ? threshold : undefined} />
        </div>
      ) : null}
      {slices.length > 0 ? <SlicesTable slices={slices} name={name} /> : null}
    </>
  );
}

function Curve({ curve: { train, validation } }: { curve: NonNullable<ReturnType<typeof curveOf>> }) {
  const lines = useMemo(
    () => [
      { name: "train loss", points: train },
      { name: "validation loss", points: validation },
    ],
    [train, validation],
  );
  return <Lines label="Losses by step" lines={lines} x="value" xName="step" />;
}

function Reliability({ bins }: { bins: [number, number][] }) {
  const lines = useMemo(
    () => [
      { name: "observed", points: bins },
      {
        name: "as it should be",
        points: [bins[0], bins.at(-1)].flatMap((bin) => (bin ? [[bin[0], bin[0]] as const] : [])),
        dashed: true,
        tone: "idle" as const,
      },
    ],
    [bins],
  );
  return (
    <Lines
      label="Predicted probability and observed share"
      lines={lines}
      x="value"
      xName="predicted"
      format={share}
      fromZero
    />
  );
}

function Shares({ shares }: { shares: NonNullable<ReturnType<typeof sharesOf>> }) {
  const [bins, of] = useMemo(
    () => [
      shares.map(({ value }) => value),
      [
        { name: "truth", shares: shares.map(({ truth }) => truth) },
        { name: "answers", shares: shares.map(({ answers }) => answers) },
      ],
    ],
    [shares],
  );
  return <Histogram label="Shares of truth and answers" bins={bins} of={of} />;
}

function Columns({ columns, limit }: { columns: ReturnType<typeof columnsOf>; limit: number | undefined }) {
  const marks = useMemo(() => (limit === undefined ? [] : [{ at: limit, name: "at most" }]), [limit]);
  return <Intervals label="What each column is worth" intervals={columns} marks={marks} format={share} />;
}

import { describe, expect, it } from "vitest";
import type { Evidence, Sequence } from "./api";
import { drawn } from "./bands";

const STEPS = ["step 1: 10 %", "step 2: 50 %"];

type Point = Sequence["points"][number];
const point = (requests: number, ends: Partial<Point> = {}): Point => ({
  at: "2026-01-01T00:00:00Z",
  step: 0,
  requests,
  estimate: 1,
  low: null,
  high: null,
  ...ends,
});

const sequence = (points: Point[], of: Partial<Sequence> = {}): Sequence => ({
  name: "faults",
  test: "faults",
  measure: "ratio",
  allowed: 1,
  coverage: 0.975,
  failed: false,
  sentence: "Faults: at most 3 times as many.",
  points,
  ...of,
});

const decision = (move: Evidence["decisions"][number]["move"], requests: number) => ({
  at: "2026-01-01T00:00:00Z",
  step: 0,
  requests,
  move,
});

describe("the bands of a rollout", () => {
  it("end where nothing is ruled out: at nothing, and endlessly, or at all of a share", () => {
    const points = [point(10, { high: 8 }), point(20, { low: 0.5 })];
    expect(drawn(sequence(points), [], STEPS)?.lines[0]?.band).toEqual([
      [0, 8],
      [0.5, Infinity],
    ]);
    expect(drawn(sequence(points, { measure: "share" }), [], STEPS)?.lines[0]?.band?.[1]).toEqual([0.5, 1]);
  });

  it("are not drawn where nothing was ever ruled out", () => {
    expect(drawn(sequence([point(10), point(20)]), [], STEPS)).toBeNull();
  });

  it("stand before stripes, one a step, from where the one before ended", () => {
    const points = [0, 0, 1, 1, 2].map((step, index) => point((index + 1) * 100, { step, high: 3 }));
    expect(drawn(sequence(points), [], STEPS)?.spans).toEqual([
      { from: 0, to: 200, name: "step 1: 10 %" },
      { from: 200, to: 400, name: "step 2: 50 %" },
      { from: 400, to: 500, name: "late labels" },
    ]);
  });

  it("leave a step without a name that is too narrow for it", () => {
    const points = [point(10, { high: 3 }), point(1000, { step: 1, high: 2 })];
    expect(drawn(sequence(points), [], STEPS)?.spans.map(({ name }) => name)).toEqual(["", "step 2: 50 %"]);
  });

  it("are marked where something was decided, but for the steps that the stripes show", () => {
    const decisions = [decision("step", 10), decision("pause", 15), decision("roll_back", 20)];
    const found = drawn(sequence([point(20, { high: 3 })]), decisions, STEPS);
    expect(found?.moments).toEqual([
      { at: 15, name: "paused" },
      { at: 20, name: "rolled back" },
    ]);
  });

  it("show what is allowed, and the late band, however wide it was before", () => {
    const points = [point(10, { high: 900 }), point(20, { high: 500 }), point(30, { high: 4 }), point(40, { high: 3 })];
    const found = drawn(sequence(points), [], STEPS);
    expect(found?.range[0]).toBe(0);
    expect(found?.range[1]).toBeCloseTo(4 * 1.05);
    expect(found?.marks).toEqual([{ at: 1, name: "fails at 1×" }]);
    expect(
      drawn(sequence([point(10, { estimate: 0.01, high: 0.02 })], { measure: "share", allowed: 0.1 }), [], STEPS)
        ?.range[1],
    ).toBeCloseTo(0.13, 2);
    expect(drawn(sequence([point(10, { high: 0.02 })], { allowed: null }), [], STEPS)?.marks).toEqual([]);
  });

  it("never reach above all of a share", () => {
    expect(drawn(sequence([point(9, { high: 0.99 })], { measure: "share", allowed: 0.9 }), [], STEPS)?.range).toEqual([
      0, 1,
    ]);
  });

  it("are red once the test has failed", () => {
    const points = [point(10, { low: 1.2, high: 3 })];
    expect(drawn(sequence(points, { failed: true }), [], STEPS)?.lines[0]?.tone).toBe("failed");
    expect(drawn(sequence(points), [], STEPS)?.lines[0]?.tone).toBe("running");
  });
});

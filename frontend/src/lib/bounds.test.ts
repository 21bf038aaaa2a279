import { describe, expect, it } from "vitest";
import { asked, boundsOf, end, plainly } from "./bounds";

describe("what a check is held against", () => {
  it("is read from words", () => {
    expect(boundsOf("metric", "at least 0.9")).toEqual({ min: 0.9 });
    expect(boundsOf("metric", "at least -1.5 and at most 2e-3")).toEqual({ min: -1.5, max: 2e-3 });
    expect(boundsOf("latency", "p99 below something")).toBeUndefined();
  });

  it("is the least of what more is better of, and else the most", () => {
    expect(boundsOf("minimum_functionality", 0.9)).toEqual({ min: 0.9 });
    expect(boundsOf("overfit", 1.2)).toEqual({ max: 1.2 });
    expect(boundsOf("overfit", null)).toBeUndefined();
  });

  it("is said in words", () => {
    expect(asked("overfit", 1.2, String)).toBe("at most 1.2");
    expect(asked("metric", undefined, String)).toBeUndefined();
  });
});

describe("intervals without an end", () => {
  it("have none, instead of a huge number", () => {
    expect([end(0.5), end(1e6), end(-1e6), end(null)]).toEqual([0.5, null, null, null]);
  });

  it("are told so in sentences", () => {
    expect(plainly("+0.9% [-100000000.0%, +7.4%]")).toBe("+0.9% [no bound, +7.4%]");
    expect(plainly("-10.0% [-100.0%, +100.0%]")).toBe("-10.0% [-100.0%, +100.0%]");
  });
});

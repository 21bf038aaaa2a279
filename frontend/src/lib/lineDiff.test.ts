import { describe, expect, it } from "vitest";
import { lineDiff } from "./lineDiff";

const both = (text: string) => ({ left: text, right: text });

describe("lineDiff", () => {
  it("puts equal lines on one row and changed ones beside each other", () => {
    expect(lineDiff("a\nb\nc", "a\nB\nc")).toEqual([both("a"), { left: "b", right: "B" }, both("c")]);
  });

  it("shows what only one has", () => {
    expect(lineDiff("a\nc", "a\nb\nc\nd")).toEqual([
      both("a"),
      { left: undefined, right: "b" },
      both("c"),
      { left: undefined, right: "d" },
    ]);
    expect(lineDiff("a\nb\nc", "c")).toEqual([
      { left: "a", right: undefined },
      { left: "b", right: undefined },
      both("c"),
    ]);
  });

  it("is quick for long texts that share nothing", () => {
    const text = (mark: string) => Array.from({ length: 5_000 }, (_, n) => `${mark}${n}`).join("\n");
    expect(lineDiff(text("a"), text("b"))).toHaveLength(5_000);
  });
});

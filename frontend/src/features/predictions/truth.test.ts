import { describe, expect, it } from "vitest";
import { judged } from "./truth";

describe("judged", () => {
  it.each([
    [297.5, 300, "off by -2.5", false],
    ["many", "many", "right", false],
    ["many", "few", "wrong", true],
    ["true", true, "right", false],
    [null, 3, "wrong", true],
    [0, 0, "off by 0", false],
  ])("says of %j, where the truth is %j: %s", (answer, truth, words, wrong) => {
    expect(judged(answer, truth)).toEqual({ words, wrong });
  });

  it("says nothing before the truth is known", () => {
    expect(judged("many", null)).toBeUndefined();
  });
});

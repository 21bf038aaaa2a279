import { describe, expect, it } from "vitest";
import { changed, flat, moveOf } from "./examples";

const marked = (parts: { text: string; differs: boolean }[]) =>
  parts.map(({ text, differs }) => (differs ? `[${text}]` : text)).join("");

describe("words that changed", () => {
  it("are marked in both texts", () => {
    const { before, after } = changed("It was not good.", "It was so very good.");
    expect([marked(before), marked(after)]).toEqual(["It was [not ]good.", "It was [so ][very ]good."]);
  });

  it("are those that were added, or none", () => {
    expect(marked(changed("Great phone.", "Great phone. Really!").after)).toBe("Great phone. [Really!]");
    expect(changed("same", "same").after.some(({ differs }) => differs)).toBe(false);
  });
});

it("reads an example of before and after with both answers", () => {
  const move = moveOf({
    row: 1,
    before: { text: "good" },
    after: { text: "bad" },
    answer_before: 1,
    answer_after: 0,
    probability_before: 0.9,
    probability_after: 0.2,
  });
  expect(move?.columns.map(({ name }) => name)).toEqual(["text"]);
  expect([move?.answers, move?.chances]).toEqual([
    { before: "1", after: "0" },
    { before: 0.9, after: 0.2 },
  ]);
  expect(moveOf({ instance: { a: 1 } })).toBeUndefined();
});

it("lays a row out flat, what was expected and got before its columns", () => {
  const row = flat({
    row: 7,
    instance: { age: 27, note: null },
    expected: ">50K.",
    got: "NaN",
    probabilities: { a: 0.25 },
  });
  expect(Object.entries(row)).toEqual([
    ["row", "7"],
    ["expected", ">50K."],
    ["got", "NaN"],
    ["probabilities", "a: 25.0 %"],
    ["age", "27"],
    ["note", "–"],
  ]);
});

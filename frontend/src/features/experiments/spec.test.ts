import { expect, test } from "vitest";
import { EMPTY, specText } from "./spec";

const form = { ...EMPTY, dataset: "bikes", version: "3", target: "cnt" };

test("what is missing keeps the spec from being sent", () => {
  expect(specText(EMPTY)).toBeUndefined();
  expect(specText({ ...form, target: " " })).toBeUndefined();
});

test("features are split at commas, parameters stand as they were typed", () => {
  const text = specText({ ...form, features: "hr, temp,\nyr", params: "depth: 3\nrate: 0.1" });
  expect(text).toContain("features: [hr, temp, yr]");
  expect(text).toContain("params:\n  depth: 3\n  rate: 0.1\n");
  expect(specText({ ...form, params: '{"depth": 3}' })).toContain('params:\n  {"depth": 3}\n');
  expect(specText(form)).not.toContain("params");
});

import { expect, it } from "vitest";
import { plural, sentence, subjectLabel } from "./text";

it.each([
  ["datasets/bikes/versions/3", "bikes v3"],
  ["models/bikes", "bikes"],
  ["runs/0199a3f0-7c1e", "0199a3f0-7c1e"],
  ["jobs/1/steps/2", "jobs/1/steps/2"],
  ["bikes", "bikes"],
])("the subject %s is shown as %s", (subject, label) => expect(subjectLabel(subject)).toBe(label));

it.each([
  [0, "0 runs"],
  [1, "1 run"],
  [12_000, "12,000 runs"],
])("%i runs are written %s", (count, text) => expect(plural(count, "run")).toBe(text));

it.each(["RunDataChecks", "run_data_checks"])("writes %s as a sentence", (kind) =>
  expect(sentence(kind)).toBe("Run data checks"),
);

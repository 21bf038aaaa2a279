import { describe, expect, it } from "vitest";
import { placeOf } from "./places";

describe("placeOf", () => {
  it.each([
    ["datasets/bikes/versions/3", "/datasets/bikes/versions/3"],
    ["models/bikes", "/models/bikes"],
    ["pipeline-runs/01a2", "/pipeline-runs/01a2"],
    ["datasets/a b", "/datasets/a%20b"],
  ])("leads from %s to its page", (subject, place) => expect(placeOf(subject)).toBe(place));

  it.each(["windows/01a2", "datasets", "", "datasets/../x/versions/1", "javascript:alert(1)"])(
    "has no page for %s",
    (subject) => expect(placeOf(subject)).toBeUndefined(),
  );
});

import { expect, it } from "vitest";
import { tagChanges, tagsText } from "./tags";

it("writes tags as text, and sends only what changed of them", () => {
  const tags = { team: "rides", old: "", tier: "gold" };
  expect(tagsText(tags)).toBe("team:rides, old, tier:gold");
  expect(tagChanges(tags, "team:bikes, tier:gold, url:http://x")).toEqual({
    team: "bikes",
    url: "http://x",
    old: null,
  });
  expect(tagChanges(tags, tagsText(tags))).toEqual({});
});

import { describe, expect, it } from "vitest";
import { arranged, sizeOf } from "./files";

const picked = (...paths: string[]) => paths.map((path) => ({ path, file: new File(["abc"], path) }));
const paths = (...given: string[]) => arranged(picked(...given)).map(({ path }) => path);

describe("arranged", () => {
  it("leaves out the folder that all files share", () => {
    expect(paths("photos/a.jpg", "photos/2024/b.jpg")).toEqual(["a.jpg", "2024/b.jpg"]);
  });

  it("keeps folders that only some are in", () => {
    expect(paths("photos/a.jpg", "b.jpg")).toEqual(["photos/a.jpg", "b.jpg"]);
    expect(paths("ab/x", "abc/y")).toEqual(["ab/x", "abc/y"]);
  });

  it("drops what operating systems leave behind", () => {
    expect(paths("photos/.DS_Store", "photos/a.jpg")).toEqual(["a.jpg"]);
    expect(paths(".DS_Store")).toEqual([]);
  });
});

it("adds up sizes", () => {
  expect(sizeOf(picked("a", "b"))).toBe(6);
});

import { describe, expect, it } from "vitest";
import { exportUrl } from "./list";

describe("exportUrl", () => {
  it("says each type, and escapes what people type", () => {
    expect(exportUrl({ type: ["RunFailed", "JobFailed"], q: "a&b=c" }, "csv")).toBe(
      "/api/v1/events/export?format=csv&type=RunFailed&type=JobFailed&q=a%26b%3Dc",
    );
  });
});

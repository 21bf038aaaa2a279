import { render, screen } from "@testing-library/react";
import axe from "axe-core";
import { describe, expect, it } from "vitest";
import type { Evidence as EvidenceRead, RolloutRead } from "../api";
import { Evidence } from "./Evidence";

const NONE: EvidenceRead = { requests: 0, decisions: [], sequences: [] };
const FAULTS: EvidenceRead = {
  requests: 1200,
  decisions: [],
  sequences: [
    {
      name: "faults",
      test: "faults",
      measure: "ratio",
      allowed: 1,
      coverage: 0.975,
      failed: false,
      sentence: "Faults: nothing is ruled out after 1,200 requests; it fails once the low end reaches 1.",
      points: [{ at: "2026-01-01T00:00:00Z", step: 0, requests: 1200, estimate: 0, low: null, high: null }],
    },
  ],
};

function rollout(state: RolloutRead["state"], steps: number): RolloutRead {
  const step = { name: "Step 1", share: 0.1, mirror: 0 };
  return { state, steps: Array.from({ length: steps }, () => step) } as unknown as RolloutRead;
}

describe("the evidence of a rollout", () => {
  it.each([
    ["preparing", 2, /the first step begins once the version is verified/],
    ["canary", 2, /bands appear with the first ones/],
    ["switched", 0, /judged by labels that come in after the switch/],
  ] as const)("says what will be here when there is nothing: %s", (state, steps, text) => {
    render(<Evidence evidence={NONE} rollout={rollout(state, steps)} />);
    expect(screen.getByText(text)).toBeDefined();
  });

  it("reads each band, and names the tests that have none", async () => {
    const { container } = render(<Evidence evidence={FAULTS} rollout={rollout("canary", 2)} />);
    expect(screen.getByRole("heading", { name: "Faults" })).toBeDefined();
    expect(screen.getByText(/nothing is ruled out after 1,200 requests/)).toBeDefined();
    expect(screen.getByText(/No band yet: strange, latency, disagreement, shift, quality/)).toBeDefined();
    expect(screen.queryByRole("img")).toBeNull();
    expect((await axe.run(container, { rules: { "color-contrast": { enabled: false } } })).violations).toEqual([]);
  });
});

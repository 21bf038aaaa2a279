import { describe, expect, it } from "vitest";
import { busy, calm, empty, troubled } from "../../../e2e/fixtures/overview";
import { inOrder, STAGES, stageTone, summary } from "./stages";

describe("inOrder", () => {
  it("keeps the order of the loop, whatever order the server answers in", () => {
    const shown = inOrder([...busy.stages].reverse());
    expect(shown.map((stage) => stage.name)).toEqual(STAGES.map((stage) => stage.name));
    expect(shown[6]?.fact?.headline).toBe("drift: 3 of 12 features");
  });

  it("shows a stage that the server left out as idle", () => {
    const shown = inOrder(busy.stages.slice(0, 1));
    expect(shown).toHaveLength(8);
    expect(shown[5]).toMatchObject({ name: "serve", tone: "idle", fact: undefined });
  });
});

describe("summary", () => {
  it.each([
    ["troubled", troubled, { tone: "failed", text: "4 stages failed" }],
    ["busy", busy, { tone: "attention", text: "Watch needs you" }],
    ["calm", calm, { tone: "ok", text: "All is well" }],
    ["empty", empty, { tone: "idle", text: "Waiting for data" }],
  ])("of a %s loop names the worst", (_, overview, said) => {
    expect(summary(inOrder(overview.stages))).toEqual(said);
  });

  it("is not well while an alert is open", () => {
    expect(summary(inOrder(calm.stages), 1)).toEqual({ tone: "attention", text: "Look at the alerts" });
  });

  it("names the one stage that runs", () => {
    expect(
      summary(inOrder(calm.stages.map((fact) => (fact.stage === "train" ? { ...fact, state: "running" } : fact)))),
    ).toEqual({
      tone: "running",
      text: "Train is running",
    });
  });
});

it("takes a state it does not know for idle", () => expect(stageTone("brewing")).toBe("idle"));

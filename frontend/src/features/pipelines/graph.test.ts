import { describe, expect, it } from "vitest";
import type { PipelineRead, PipelineRunRead } from "./api";
import { runGraph, specGraph } from "./graph";

const train = { dataset: "bikes", trainer: "linear", target: "cnt" };
const pipeline = (spec: object) =>
  ({
    spec: { build: { dataset: "bikes" }, train, model: "bikes", promote: true, triggers: [], ...spec },
  }) as unknown as PipelineRead;

describe("specGraph", () => {
  it("freezes the evaluation rows before anything is trained", () => {
    const { nodes, edges } = specGraph(pipeline({ evaluation: { dataset: "traffic" } }));
    expect(nodes.map(({ id }) => id)).toEqual([
      "evaluation",
      "build",
      "check",
      "train",
      "check_model",
      "promote",
      "deploy",
    ]);
    expect(edges).toHaveLength(6);
  });

  it("ends with the checks when nothing is promoted", () => {
    expect(specGraph(pipeline({ promote: false })).nodes.at(-1)?.id).toBe("check_model");
  });

  it("leads every trigger to the first step", () => {
    const triggers = [
      { on: "drift", endpoint: "bikes" },
      { on: "schedule", every_seconds: 3600 },
    ];
    const { edges } = specGraph(pipeline({ triggers }));
    expect(edges.filter(({ target }) => target === "build").map(({ source }) => source)).toEqual([
      "trigger-0",
      "trigger-1",
    ]);
  });
});

describe("runGraph", () => {
  it("says why a step failed, and how long one took", () => {
    const step = (name: string, state: string, reason = "", end: string | null = null) => ({
      name,
      state,
      reason,
      started_at: "2026-01-01T00:00:00Z",
      ended_at: end,
    });
    const run = {
      trigger: "drift",
      steps: [step("build", "succeeded", "made 3", "2026-01-01T00:00:05Z"), step("check", "failed", "rejected")],
    } as unknown as PipelineRunRead;
    expect(runGraph(run).nodes.slice(1)).toMatchObject([
      { kind: "succeeded in 5 s", tone: "ok", detail: "made 3" },
      { kind: "failed", tone: "failed", detail: "rejected" },
    ]);
  });
});

/** The steps of a pipeline as a graph: what a run did, or what the next one will do. */
import type { GraphEdge, GraphNode } from "../../components/Graph";
import { toneOf } from "../../lib/states";
import { sentence, words } from "../../lib/text";
import { duration } from "../../lib/time";
import { triggerText } from "./triggers";
import type { PipelineRead, PipelineRunRead, Step } from "./api";

interface Drawn {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** " in 5 s"; what took less than a second is not said. */
function took({ started_at: start, ended_at: end }: Step): string {
  const seconds = start && end ? (Date.parse(end) - Date.parse(start)) / 1000 : 0;
  return seconds >= 1 ? ` in ${duration(seconds)}` : "";
}

/** A chain: each step waits for the one before it. */
export function runGraph({ steps, trigger }: PipelineRunRead): Drawn {
  const nodes: GraphNode[] = [
    { id: "trigger", kind: "set off by", title: words(trigger), tone: "idle" },
    ...steps.map((step) => ({
      id: step.name,
      kind: `${words(step.state)}${took(step)}`,
      title: sentence(step.name),
      tone: toneOf(step.state),
      detail: step.reason || undefined,
    })),
  ];
  return { nodes, edges: chain(nodes) };
}

/** Mirrors the order in which the server takes the steps of a spec. */
export function specGraph({ spec }: PipelineRead): Drawn {
  const train = `${spec.train.trainer}, ${spec.train.target}`;
  const steps: [string, string, string | undefined][] = [
    ...(spec.evaluation ? [["evaluation", "Evaluation", spec.evaluation.dataset] as [string, string, string]] : []),
    ["build", "Build", spec.build.dataset],
    ["check", "Check", undefined],
    ["train", "Train", train],
    ["check_model", "Check model", spec.model],
    ...(spec.promote
      ? ([
          ["promote", "Promote", "by the model's gates"],
          ["deploy", "Deploy", "its endpoints follow"],
        ] as [string, string, string][])
      : []),
  ];
  const nodes: GraphNode[] = steps.map(([id, title, detail]) => ({
    id,
    kind: "step",
    title,
    tone: "idle",
    ...(detail ? { detail } : {}),
  }));
  const triggers: GraphNode[] = spec.triggers.map((trigger, index) => ({
    id: `trigger-${index}`,
    kind: "set off by",
    title: triggerText(trigger),
    tone: "running",
  }));
  const first = nodes[0]?.id ?? "build";
  return {
    nodes: [...triggers, ...nodes],
    edges: [...triggers.map(({ id }) => ({ source: id, target: first })), ...chain(nodes)],
  };
}

function chain(nodes: readonly GraphNode[]): GraphEdge[] {
  return nodes.slice(1).map(({ id }, index) => ({ source: nodes[index]?.id ?? "", target: id }));
}

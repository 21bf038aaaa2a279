/** The graph of what something came from and what came of it, with the facts of the node that is chosen. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, useMemo, useState } from "react";
import { Button } from "../../../components/Button";
import { Facts } from "../../../components/Facts";
import { Loading } from "../../../components/Loading";
import { Notice } from "../../../components/Notice";
import { Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { Subject } from "../../../components/Subject";
import { later } from "../../../lib/later";
import { toneOf } from "../../../lib/states";
import { words } from "../../../lib/text";
import { lineageQuery, type Direction, type LineageGraph, type LineageNode } from "../api";

const Graph = later(() => import("../../../components/Graph"));

interface LineageViewProps {
  of: string;
  direction?: Direction;
  depth?: number;
  height?: number | string;
  /** Asks for the lineage of another node. */
  onAsk?: (of: string) => void;
}

export function LineageView({ of, direction = "both", depth = 6, height = 460, onAsk }: LineageViewProps) {
  const query = useQuery(lineageQuery(of, direction, depth));
  return (
    <Read query={query} what="the lineage">
      {(data) => ("nodes" in data ? <Drawn graph={data} height={height} onAsk={onAsk} /> : <Loading />)}
    </Read>
  );
}

function Drawn({
  graph,
  height,
  onAsk,
}: {
  graph: LineageGraph;
  height: number | string;
  onAsk: LineageViewProps["onAsk"];
}) {
  const [chosen, setChosen] = useState<string>();
  const nodes = useMemo(
    () =>
      graph.nodes.map(({ id, kind, name, state }) => ({
        id,
        title: name,
        kind: words(kind),
        tone: state ? toneOf(state) : ("idle" as const),
        detail: state ? words(state) : undefined,
      })),
    [graph.nodes],
  );
  const edges = useMemo(
    () => graph.edges.map(({ source, target, relation }) => ({ source, target, label: words(relation) })),
    [graph.edges],
  );
  const asked = graph.nodes[0]?.id;
  const node = graph.nodes.find(({ id }) => id === (chosen ?? asked));
  return (
    <>
      {graph.truncated ? (
        <Notice tone="attention" title="There is more than is drawn">
          <p>Ask for fewer steps, for one direction, or for the lineage of one of the nodes.</p>
        </Notice>
      ) : null}
      <Stack>
        <Suspense fallback={<div style={{ height }} />}>
          <Graph
            label={`Lineage of ${graph.of}`}
            nodes={nodes}
            edges={edges}
            height={height}
            onOpen={setChosen}
            {...(asked ? { focus: asked } : {})}
          />
        </Suspense>
        {node ? <NodeFacts node={node} isAsked={node.id === asked} onAsk={onAsk} /> : null}
      </Stack>
    </>
  );
}

function NodeFacts({
  node,
  isAsked,
  onAsk,
}: {
  node: LineageNode;
  isAsked: boolean;
  onAsk: LineageViewProps["onAsk"];
}) {
  const facts = Object.fromEntries(
    Object.entries(node.facts)
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => [words(name), typeof value === "string" ? value : JSON.stringify(value)]),
  );
  return (
    <Panel title={node.title}>
      <Facts
        of={{
          Kind: words(node.kind),
          Page: <Subject of={node.id} />,
          State: node.state ? <State of={node.state} /> : null,
          When: node.at ? <RelativeTime at={node.at} /> : null,
          ...facts,
        }}
      />
      {onAsk && !isAsked ? <Button onClick={() => onAsk(node.id)}>Lineage of this</Button> : null}
    </Panel>
  );
}

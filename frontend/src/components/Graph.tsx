/** A directed graph, laid out from left to right: pipelines and lineage. Loaded only by the pages that show one. */
import { graphlib, layout } from "@dagrejs/dagre";
import {
  Background,
  Controls,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
  type Node,
  type NodeProps,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useMemo, type ReactNode } from "react";
import type { Tone } from "../lib/tone";
import styles from "./Graph.module.css";

export interface GraphNode {
  id: string;
  title: string;
  /** What kind of thing it is, in small print. */
  kind: string;
  tone?: Tone;
  /** More below the title. */
  detail?: ReactNode;
}

export interface GraphEdge {
  source: string;
  target: string;
  label?: string;
}

interface GraphProps {
  label: string;
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
  /** The node everything is about. */
  focus?: string;
  onOpen?: (id: string) => void;
  height?: number | string;
}

const [WIDTH, HEIGHT] = [190, 72];
const NARROW_PX = 600;
type CardData = { [Key in keyof GraphNode]: GraphNode[Key] } & { focused: boolean; down: boolean };
type Card = Node<CardData, "card">;

function CardNode({ data }: NodeProps<Card>) {
  return (
    <div className={styles.card} data-tone={data.tone ?? "idle"} data-focused={data.focused}>
      <Handle type="target" position={data.down ? Position.Top : Position.Left} className={styles.port ?? ""} />
      <span className={styles.kind}>{data.kind}</span>
      <span className={styles.title} title={data.title}>
        {data.title}
      </span>
      {data.detail ? <span className={styles.detail}>{data.detail}</span> : null}
      <Handle type="source" position={data.down ? Position.Bottom : Position.Right} className={styles.port ?? ""} />
    </div>
  );
}

const TYPES = { card: CardNode };

/** Positions by dagre (layered drawing after Sugiyama). */
function place(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  focus: string | undefined,
  down: boolean,
): Card[] {
  const graph = new graphlib.Graph();
  // Labels stand between the ranks.
  graph.setGraph({ rankdir: down ? "TB" : "LR", nodesep: 22, ranksep: edges.some(({ label }) => label) ? 90 : 26 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of nodes) graph.setNode(id, { width: WIDTH, height: HEIGHT });
  for (const { source, target } of edges) graph.setEdge(source, target);
  layout(graph);
  return nodes.map((node) => {
    const at = graph.node(node.id) as { x: number; y: number };
    return {
      id: node.id,
      type: "card",
      position: { x: at.x - WIDTH / 2, y: at.y - HEIGHT / 2 },
      data: { ...node, down, focused: node.id === focus },
      ariaLabel: `${node.kind} ${node.title}`,
    };
  });
}

export default function Graph({ label, nodes, edges, focus, onOpen, height = 420 }: GraphProps) {
  // On a phone a chain goes down, as the page does.
  const down = window.innerWidth < NARROW_PX;
  const placed = useMemo(() => place(nodes, edges, focus, down), [nodes, edges, focus, down]);
  const lines = useMemo(
    () =>
      edges.map(({ source, target, label: text }) => ({
        id: `${source}>${target}`,
        source,
        target,
        ...(text ? { label: text } : {}),
        markerEnd: { type: MarkerType.ArrowClosed },
      })),
    [edges],
  );
  return (
    <div className={styles.graph} style={{ height: down ? "70vh" : height }} role="group" aria-label={label}>
      <ReactFlow
        nodes={placed}
        edges={lines}
        nodeTypes={TYPES}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.04 }}
        minZoom={0.1}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        proOptions={{ hideAttribution: false }}
        onNodeClick={(_, node) => onOpen?.(node.id)}
        onKeyDown={(event) => {
          const id = (event.target as HTMLElement).closest<HTMLElement>(".react-flow__node")?.dataset.id;
          if (event.key === "Enter" && id) onOpen?.(id);
        }}
      >
        <Background gap={24} />
        <Controls showInteractive={false} position="top-right" orientation="horizontal" />
      </ReactFlow>
    </div>
  );
}

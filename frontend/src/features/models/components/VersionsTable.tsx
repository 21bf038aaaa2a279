/** The versions of a model: metrics as columns, aliases, state, how each is served, and two or more to compare. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { DataTable, type Column } from "../../../components/DataTable";
import { Checkbox } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { Tag } from "../../../components/Tag";
import { number } from "../../../lib/numbers";
import { toneOf } from "../../../lib/states";
import { useUrlState } from "../../../lib/urlState";
import { versionsQuery, type Version } from "../api";
import styles from "./Models.module.css";

const COMPARED = 20;

/** Metrics on test rows first: they are what versions are compared by. */
export function metricNames(versions: readonly Version[]): string[] {
  const names = [...new Set(versions.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
  const first = names.filter((name) => name.startsWith("test_"));
  return [...first, ...names.filter((name) => !name.startsWith("test_"))];
}

function columnsOf(
  versions: readonly Version[],
  picked: readonly string[],
  pick: (number: number) => void,
): Column<Version>[] {
  const metrics = metricNames(versions);
  return [
    {
      id: "pick",
      header: "",
      hint: "Choose for comparing",
      value: () => undefined,
      cell: ({ number: of }) => (
        <input
          type="checkbox"
          aria-label={`Compare version ${of}`}
          checked={picked.includes(String(of))}
          onChange={() => pick(of)}
        />
      ),
      width: "44px",
    },
    {
      id: "number",
      header: "Version",
      value: ({ number: of }) => of,
      cell: ({ model, number: of }) => (
        <Link to="/models/$name/versions/$number" params={{ name: model, number: String(of) }}>
          v{of}
        </Link>
      ),
      width: "80px",
    },
    {
      id: "aliases",
      header: "Aliases",
      value: ({ aliases }) => aliases.join(", "),
      cell: ({ aliases, overridden }) => (
        <>
          {aliases.map((alias) => (
            <Tag key={alias} tone={toneOf(alias)}>
              {alias}
            </Tag>
          ))}
          {overridden ? <Tag tone="failed">overridden</Tag> : aliases.length === 0 ? "–" : null}
        </>
      ),
      width: "minmax(124px, 1fr)",
    },
    {
      id: "state",
      header: "State",
      value: ({ state }) => state,
      cell: ({ state }) => <State of={state} />,
      width: "110px",
    },
    ...metrics.map((name): Column<Version> => ({
      id: name,
      header: name.replace(/^test_/, ""),
      hint: name,
      value: (version) => version.metrics[name],
      cell: (version) => number(version.metrics[name]),
      align: "end",
      width: "100px",
      optional: !name.startsWith("test_"),
    })),
    {
      id: "package",
      header: "Package",
      value: ({ flavor }) => flavor,
      cell: ({ flavor, package: { reason } }) => <span title={reason}>{flavor}</span>,
      width: "90px",
    },
    {
      id: "run",
      header: "Run",
      value: ({ run_id }) => run_id,
      cell: ({ run_id }) => (
        <Link to="/runs/$id" params={{ id: run_id }} title={run_id}>
          …{run_id.slice(-8)}
        </Link>
      ),
      width: "116px",
    },
    { id: "by", header: "By", value: ({ created_by }) => created_by, width: "100px" },
    {
      id: "created",
      header: "Registered",
      value: ({ created_at }) => created_at,
      cell: ({ created_at }) => <RelativeTime at={created_at} />,
      width: "120px",
    },
  ];
}

export function VersionsTable({ name }: { name: string }) {
  const [which, setWhich] = useUrlState("versions");
  const [text, setText] = useUrlState("compare");
  const query = useInfiniteQuery(versionsQuery(name, which === "all"));
  const versions = query.data;
  const columns = useMemo(() => {
    const picked = text.split(",").filter(Boolean);
    const pick = (of: number) => {
      const others = picked.filter((one) => one !== String(of));
      setText((others.length < picked.length ? others : [...picked, String(of)].slice(-COMPARED)).join(","));
    };
    return columnsOf(versions ?? [], picked, pick);
  }, [versions, text, setText]);
  return (
    <Panel title="Versions">
      <Read query={query} what="the versions">
        {(all) => (
          <DataTable
            label="Versions"
            name="version"
            rows={all}
            columns={columns}
            rowKey={(version) => String(version.number)}
            empty={
              <>
                No version yet. A finished run whose spec has <code>model: {name}</code> becomes one by itself.
              </>
            }
            tone={({ overridden }) => (overridden ? "failed" : undefined)}
            onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            tools={
              <span className={styles.row}>
                <Checkbox
                  label="Also archived"
                  checked={which === "all"}
                  onChange={(on) => setWhich(on ? "all" : "")}
                />
                {text.includes(",") ? (
                  <Link to="." search={((old: object) => ({ ...old, tab: "compare" })) as never}>
                    Compare {text.split(",").length} versions
                  </Link>
                ) : (
                  <span className={styles.muted}>Tick two or more to compare</span>
                )}
              </span>
            }
          />
        )}
      </Read>
    </Panel>
  );
}

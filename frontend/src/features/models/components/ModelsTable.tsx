/** All models: what they answer, who is champion, what was decided last. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useDeferredValue, type ReactNode } from "react";
import { DataTable, type Column } from "../../../components/DataTable";
import { Select, TextField } from "../../../components/Fields";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { words } from "../../../lib/text";
import { useUrlState } from "../../../lib/urlState";
import { modelsQuery, TASKS, type Model } from "../api";
import { tagsText } from "../tags";
import styles from "./Models.module.css";

export interface LastDecision {
  at: string;
  text: string;
  show: ReactNode;
}

interface ModelsTableProps {
  /** The newest decision about a model, where it is known. */
  lastDecision: (name: string) => LastDecision | undefined;
  /** What to say to somebody who has no model at all. */
  empty: ReactNode;
}

const version = (name: string, number: number | null) =>
  number === null ? (
    "–"
  ) : (
    <Link to="/models/$name/versions/$number" params={{ name, number: String(number) }}>
      v{number}
    </Link>
  );

function columnsWith(lastDecision: ModelsTableProps["lastDecision"]): Column<Model>[] {
  return [
    {
      id: "name",
      header: "Model",
      value: ({ name }) => name,
      cell: ({ name }) => (
        <Link to="/models/$name" params={{ name }} title={name}>
          {name}
        </Link>
      ),
      width: "minmax(160px, 2fr)",
    },
    { id: "task", header: "Task", value: ({ task }) => words(task), width: "150px" },
    { id: "target", header: "Target", value: ({ target }) => target, width: "minmax(90px, 1fr)" },
    {
      id: "champion",
      header: "Champion",
      value: ({ champion }) => champion,
      cell: ({ name, champion }) => version(name, champion),
      width: "100px",
    },
    {
      id: "challenger",
      header: "Challenger",
      value: ({ challenger }) => challenger,
      cell: ({ name, challenger }) => version(name, challenger),
      width: "100px",
    },
    { id: "versions", header: "Versions", value: ({ versions }) => versions, align: "end", width: "90px" },
    {
      id: "decision",
      header: "Last decision",
      value: ({ name }) => lastDecision(name)?.text,
      cell: ({ name }) => lastDecision(name)?.show ?? "–",
      width: "minmax(210px, 2fr)",
    },
    {
      id: "tags",
      header: "Tags",
      value: ({ tags }) => tagsText(tags),
      cell: ({ tags }) => <span title={tagsText(tags)}>{tagsText(tags) || "–"}</span>,
      width: "minmax(100px, 1fr)",
    },
    { id: "owner", header: "Owner", value: ({ created_by }) => created_by, width: "120px" },
    {
      id: "outside",
      header: "Changed outside",
      value: ({ changed_outside }) => changed_outside.length || undefined,
      width: "140px",
      optional: true,
    },
    {
      id: "created",
      header: "Created",
      value: ({ created_at }) => created_at,
      cell: ({ created_at }) => <RelativeTime at={created_at} />,
      width: "120px",
      optional: true,
    },
  ];
}

export function ModelsTable({ lastDecision, empty }: ModelsTableProps) {
  const [search, setSearch] = useUrlState("search");
  const [task, setTask] = useUrlState("task");
  const [tag, setTag] = useUrlState("tag");
  const [owner, setOwner] = useUrlState("owner");
  const [q, tagged, owned] = [useDeferredValue(search), useDeferredValue(tag), useDeferredValue(owner)];
  const filtered = Boolean(q || task || tagged || owned);
  const of = TASKS.find((one) => one === task);
  const query = useInfiniteQuery(
    modelsQuery({
      ...(q ? { q } : {}),
      ...(of ? { task: of } : {}),
      ...(tagged ? { tag: [tagged] } : {}),
      ...(owned ? { owner: owned } : {}),
    }),
  );
  return (
    <>
      <div className={styles.filters}>
        <TextField
          label="Search"
          type="search"
          value={search}
          onChange={setSearch}
          placeholder="Name, description, target"
        />
        <Select
          label="Task"
          value={task}
          onChange={setTask}
          options={[{ value: "", label: "Any" }, ...TASKS.map((value) => ({ value, label: words(value) }))]}
        />
        <TextField label="Tag" value={tag} onChange={setTag} placeholder="team:rides" />
        <TextField label="Owner" value={owner} onChange={setOwner} />
      </div>
      <Read query={query} what="the models">
        {(models) =>
          models.length === 0 && !filtered ? (
            empty
          ) : (
            <DataTable
              label="Models"
              rows={models}
              columns={columnsWith(lastDecision)}
              rowKey={({ name }) => name}
              empty="No model fits these filters."
              tone={({ changed_outside }) => (changed_outside.length > 0 ? "attention" : undefined)}
              onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            />
          )
        }
      </Read>
    </>
  );
}

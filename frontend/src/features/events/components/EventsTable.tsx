/** The audit trail: who did what to what, when and why; filtered on the server, exported as it is filtered. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { eventTypesQuery } from "../../../client/eventTypes";
import type { Schema } from "../../../client/types";
import { Button } from "../../../components/Button";
import { DataTable, type Column } from "../../../components/DataTable";
import { Dialog } from "../../../components/Dialog";
import { Facts } from "../../../components/Facts";
import { Checkbox, FieldRow, Select, TextField } from "../../../components/Fields";
import { Json } from "../../../components/Json";
import { LinkButton } from "../../../components/LinkButton";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Subject } from "../../../components/Subject";
import { sentence } from "../../../lib/text";
import { useUrlState } from "../../../lib/urlState";
import { eventsQuery, exportUrl, type EventFilters, type EventRead } from "../list";
import styles from "./EventsTable.module.css";

type Kind = Schema<"EventKindRead">;

/** The reason if there is one, else the payload as pairs. */
function what({ payload }: EventRead): string {
  if (typeof payload.reason === "string" && payload.reason) return payload.reason;
  return Object.entries(payload)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

function columns(open: (event: EventRead) => void): Column<EventRead>[] {
  return [
    { id: "at", header: "When", value: ({ seq }) => seq, cell: ({ at }) => <RelativeTime at={at} />, width: "120px" },
    {
      id: "type",
      header: "Event",
      value: ({ type }) => sentence(type),
      cell: (event) => <LinkButton onClick={() => open(event)}>{sentence(event.type)}</LinkButton>,
      width: "minmax(170px, 1fr)",
    },
    {
      id: "subject",
      header: "About",
      value: ({ subject }) => subject,
      cell: ({ subject }) => <Subject of={subject} />,
      width: "minmax(150px, 1fr)",
    },
    { id: "actor", header: "By", value: ({ actor }) => actor, width: "120px" },
    {
      id: "what",
      header: "What",
      value: what,
      cell: (event) => <span title={what(event)}>{what(event)}</span>,
      width: "minmax(220px, 2.4fr)",
    },
    { id: "seq", header: "#", value: ({ seq }) => seq, width: "80px", align: "end", optional: true },
    { id: "request", header: "Request", value: ({ request_id: id }) => id, width: "140px", optional: true },
  ];
}

/** Jobs come and go all the time: they are left out unless asked for. */
function wantedTypes(type: string, withJobs: boolean, known: readonly Kind[]): Pick<EventFilters, "type" | "without"> {
  if (type) return { type: type.split(",") };
  if (withJobs) return {};
  return { without: known.filter(({ noun }) => noun === "jobs").map((kind) => kind.type) };
}

/** The filters of the URL, and fields to change them. */
function useFilters(): [EventFilters, React.ReactNode] {
  const types = useQuery(eventTypesQuery);
  const [type, setType] = useUrlState("type");
  const [subject, setSubject] = useUrlState("subject");
  const [actor, setActor] = useUrlState("actor");
  const [since, setSince] = useUrlState("since");
  const [until, setUntil] = useUrlState("until");
  const [q, setQ] = useUrlState("text");
  const [withJobs, setWithJobs] = useUrlState("jobs");
  const moment = (text: string) => (text && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : "");
  const given = { subject, actor, since: moment(since), until: moment(until), q };
  const filters: EventFilters = {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value)),
    ...wantedTypes(type, withJobs === "yes", types.data ?? []),
  };
  const known = (types.data ?? []).map((kind) => ({
    value: kind.type,
    label: `${sentence(kind.type)} (${kind.noun})`,
  }));
  return [
    filters,
    <FieldRow key="filters">
      <Select label="Event" value={type} onChange={setType} options={[{ value: "", label: "all" }, ...known]} />
      <TextField label="About" placeholder="models/bikes" value={subject} onChange={setSubject} />
      <TextField label="By" placeholder="millrace" value={actor} onChange={setActor} />
      <TextField label="Since" type="datetime-local" value={since} onChange={setSince} />
      <TextField label="Until" type="datetime-local" value={until} onChange={setUntil} />
      <TextField label="Text" type="search" value={q} onChange={setQ} />
      <Checkbox
        label="With the coming and going of jobs"
        checked={withJobs === "yes"}
        onChange={(on) => setWithJobs(on ? "yes" : "")}
      />
    </FieldRow>,
  ];
}

export function EventsTable() {
  const [filters, fields] = useFilters();
  const [shown, setShown] = useState<EventRead>();
  const query = useInfiniteQuery(eventsQuery(filters));
  const meaning = useQuery(eventTypesQuery).data?.find(({ type }) => type === shown?.type)?.meaning;
  const [open] = useState(() => columns(setShown));
  return (
    <>
      <Panel title="Which">
        {fields}
        <p className={styles.exports}>
          The same as a file: <a href={exportUrl(filters, "csv")}>csv</a>,{" "}
          <a href={exportUrl(filters, "ndjson")}>NDJSON</a>
        </p>
      </Panel>
      <Read query={query} what="the events">
        {(rows) => (
          <DataTable
            label="Events"
            rows={rows}
            columns={open}
            rowKey={({ seq }) => String(seq)}
            empty="No event matches."
            onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
          />
        )}
      </Read>
      <Dialog
        title={shown ? sentence(shown.type) : ""}
        open={shown !== undefined}
        onClose={() => setShown(undefined)}
        size="large"
      >
        {shown ? (
          <>
            {meaning ? <p>{meaning}</p> : null}
            <Facts
              of={{
                About: <Subject of={shown.subject} />,
                By: shown.actor,
                When: new Date(shown.at).toLocaleString(),
                Number: shown.seq,
                Request: shown.request_id,
                Job: shown.job_id ? <Subject of={`jobs/${shown.job_id}`} /> : null,
              }}
            />
            <Json of={shown.payload} label="The payload" />
            <Button onClick={() => setShown(undefined)}>Close</Button>
          </>
        ) : null}
      </Dialog>
    </>
  );
}

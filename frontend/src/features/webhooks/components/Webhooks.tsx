/** Other servers that are told of events: who, of what, whether they take it, and what was sent to the one chosen. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { Button } from "../../../components/Button";
import { Command } from "../../../components/Copy";
import { DataTable, type Column } from "../../../components/DataTable";
import { Dialog, DialogButtons } from "../../../components/Dialog";
import { LinkButton } from "../../../components/LinkButton";
import { Notice } from "../../../components/Notice";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { useUrlState } from "../../../lib/urlState";
import { webhooksQuery, type WebhookRead } from "../api";
import { WebhookDetail } from "./WebhookDetail";
import { NewWebhook } from "./WebhookForm";

function stateOf({ active, failures }: WebhookRead): "on" | "failing" | "off" {
  if (!active) return "off";
  return failures > 0 ? "failing" : "on";
}

const TONES = { on: "ok", failing: "attention", off: "idle" } as const;

function columns(open: (name: string) => void, shown: string): Column<WebhookRead>[] {
  return [
    {
      id: "name",
      header: "Webhook",
      value: ({ name }) => name,
      cell: ({ name }) => (
        <LinkButton pressed={name === shown} onClick={() => open(name)}>
          {name}
        </LinkButton>
      ),
      width: "minmax(120px, 1fr)",
    },
    { id: "url", header: "Told at", value: ({ url }) => url, width: "minmax(200px, 2fr)" },
    {
      id: "types",
      header: "Of",
      value: ({ types }) => types.join(", ") || "every event",
      width: "minmax(150px, 1.5fr)",
    },
    { id: "subject", header: "Only about", value: ({ subject }) => subject, width: "minmax(120px, 1fr)" },
    {
      id: "state",
      header: "State",
      value: stateOf,
      cell: (row) => <Tag tone={row.off_because ? "failed" : TONES[stateOf(row)]}>{stateOf(row)}</Tag>,
      width: "100px",
    },
    {
      id: "created",
      header: "Made",
      value: (row) => row.created_at,
      cell: (row) => <RelativeTime at={row.created_at} />,
      width: "120px",
    },
  ];
}

export function Webhooks() {
  const query = useInfiniteQuery(webhooksQuery);
  const forbidden = useForbidden("admin");
  const [shown, setShown] = useUrlState("webhook");
  const [made, setMade] = useState<{ name: string; secret: string }>();
  if (forbidden) {
    return (
      <Notice tone="attention" title="Webhooks are seen and made by admins">
        <p>{forbidden}.</p>
      </Notice>
    );
  }
  return (
    <>
      <Read query={query} what="the webhooks">
        {(rows) => {
          const chosen = rows.find(({ name }) => name === shown);
          return (
            <>
              <DataTable
                name="webhooks"
                label="Webhooks"
                rows={rows}
                columns={columns((name) => setShown(name === shown ? undefined : name), shown)}
                rowKey={({ name }) => name}
                tone={(row) => (row.off_because ? "failed" : undefined)}
                empty="Nobody is told of events yet. A webhook sends each one, signed, to a server of yours: a chat, a ticket system."
                tools={<NewWebhook onMade={setMade} />}
                onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
              />
              {chosen ? (
                <WebhookDetail key={chosen.name} of={chosen} onSecret={setMade} onDeleted={() => setShown(undefined)} />
              ) : null}
            </>
          );
        }}
      </Read>
      <Dialog title={`The secret of ${made?.name ?? ""}`} open={made !== undefined} onClose={() => setMade(undefined)}>
        <p>It signs what is sent, and is shown this once. The receiver needs it to know that an event is ours.</p>
        <Command text={made?.secret ?? ""} label="The secret" />
        <DialogButtons>
          <Button kind="primary" onClick={() => setMade(undefined)}>
            I have it
          </Button>
        </DialogButtons>
      </Dialog>
    </>
  );
}

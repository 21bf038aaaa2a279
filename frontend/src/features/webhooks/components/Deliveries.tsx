/** What was sent to a webhook and what it answered: each attempt, the body word for word, and sending it again. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Action } from "../../../components/Action";
import { Command, CopyId } from "../../../components/Copy";
import { DataTable, type Column } from "../../../components/DataTable";
import { Dialog } from "../../../components/Dialog";
import { Facts } from "../../../components/Facts";
import { FieldRow, Select } from "../../../components/Fields";
import { LinkButton } from "../../../components/LinkButton";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { Subject } from "../../../components/Subject";
import { millis } from "../../../lib/numbers";
import { plural, sentence } from "../../../lib/text";
import { useUrlState } from "../../../lib/urlState";
import { deliveriesQuery, deliveryQuery, DELIVERY_STATES, redeliver, type WebhookDeliveryRead } from "../api";

type Attempt = WebhookDeliveryRead["attempts"][number];

/** "204 in 12 ms", or why there was no answer. */
function outcome({ status, error, milliseconds }: Attempt): string {
  return error ?? `${status ?? "no answer"} in ${millis(milliseconds)}`;
}

function columns(open: (id: string) => void): Column<WebhookDeliveryRead>[] {
  return [
    {
      id: "type",
      header: "Event",
      value: ({ type }) => sentence(type),
      cell: ({ id, type }) => <LinkButton onClick={() => open(id)}>{sentence(type)}</LinkButton>,
      width: "minmax(140px, 1fr)",
    },
    {
      id: "subject",
      header: "About",
      value: ({ subject }) => subject,
      cell: ({ subject }) => <Subject of={subject} />,
      width: "minmax(120px, 1fr)",
    },
    {
      id: "state",
      header: "State",
      value: ({ state }) => state,
      cell: ({ state }) => <State of={state} />,
      width: "110px",
    },
    { id: "attempts", header: "Attempts", value: ({ attempts }) => attempts.length, width: "90px", align: "end" },
    {
      id: "last",
      header: "Last answer",
      value: ({ attempts }) => {
        const last = attempts.at(-1);
        return last ? outcome(last) : undefined;
      },
      width: "minmax(160px, 2fr)",
    },
    {
      id: "at",
      header: "When",
      value: (row) => row.created_at,
      cell: (row) => <RelativeTime at={row.created_at} />,
      width: "120px",
    },
  ];
}

function Delivery({ id }: { id: string }) {
  const query = useQuery(deliveryQuery(id));
  return (
    <Read query={query} what="the delivery">
      {(delivery) => (
        <>
          <Facts
            of={{
              State: <State of={delivery.state} />,
              Id: <CopyId id={delivery.id} noun="delivery" />,
              "Asked for by": delivery.asked_by,
              Job: <Subject of={`jobs/${delivery.job_id}`} />,
            }}
          />
          <h3>{plural(delivery.attempts.length, "attempt")}</h3>
          <ol>
            {delivery.attempts.map((attempt) => (
              <li key={attempt.at}>
                <RelativeTime at={attempt.at} />: {outcome(attempt)}
                {attempt.answer ? <Command text={attempt.answer} label="What the receiver answered" /> : null}
              </li>
            ))}
          </ol>
          <h3>What is sent</h3>
          <Command text={delivery.body} label="The body" />
          <Action call={redeliver(id)} forbidden={delivery.state === "pending" ? "It is still being tried" : undefined}>
            Send again
          </Action>
        </>
      )}
    </Read>
  );
}

export function Deliveries({ name }: { name: string }) {
  const [text, setText] = useUrlState("deliveries");
  const [shown, setShown] = useUrlState("delivery");
  const state = DELIVERY_STATES.find((one) => one === text);
  const query = useInfiniteQuery(deliveriesQuery(name, state));
  return (
    <>
      <FieldRow>
        <Select
          label="Deliveries"
          value={state ?? ""}
          onChange={setText}
          options={[{ value: "", label: "all" }, ...DELIVERY_STATES]}
        />
      </FieldRow>
      <Read query={query} what="the deliveries">
        {(rows) => (
          <DataTable
            name="deliveries"
            label="Deliveries"
            rows={rows}
            columns={columns(setShown)}
            rowKey={({ id }) => id}
            empty={state ? `None is ${state}.` : "Nothing was sent in the last thirty days. Send a test."}
            onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
          />
        )}
      </Read>
      <Dialog title="A delivery" open={shown !== ""} onClose={() => setShown(undefined)} size="large">
        {shown ? <Delivery id={shown} /> : null}
      </Dialog>
    </>
  );
}

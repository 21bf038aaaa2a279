/** The form of a webhook, new or there already: where it is told, of which events, about what. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { eventTypesQuery } from "../../../client/eventTypes";
import { FormAction } from "../../../components/Action";
import { Button } from "../../../components/Button";
import { TextArea, TextField } from "../../../components/Fields";
import { Notice } from "../../../components/Notice";
import { sentence } from "../../../lib/text";
import { changeWebhook, createWebhook, type Wanted, type WebhookRead } from "../api";

interface Typed {
  url: string;
  types: string;
  subject: string;
}

const EMPTY: Typed = { url: "", types: "", subject: "" };

function typed({ url, types, subject }: WebhookRead): Typed {
  return { url, types: types.join("\n"), subject: subject ?? "" };
}

function wanted({ url, types, subject }: Typed): Wanted {
  return { url: url.trim(), types: types.split(/[\s,]+/).filter(Boolean), subject: subject.trim() || null };
}

const same = (one: Typed, other: Typed) => JSON.stringify(wanted(one)) === JSON.stringify(wanted(other));

function WantedFields({
  value,
  onChange,
  strange,
}: {
  value: Typed;
  onChange: (next: Typed) => void;
  strange: string[];
}) {
  const known = useQuery(eventTypesQuery).data ?? [];
  return (
    <>
      <TextField
        label="URL"
        type="url"
        value={value.url}
        onChange={(url) => onChange({ ...value, url })}
        placeholder="https://chat.example.org/hooks/millrace"
        help="Where events are sent by POST. Only admins see it."
        required
      />
      <TextArea
        label="Types of events"
        code
        rows={3}
        value={value.types}
        onChange={(types) => onChange({ ...value, types })}
        help="One a line, as AlertOpened or RolloutAborted. Empty: all."
        error={strange.length > 0 ? `There is no event ${strange.join(", ")}.` : undefined}
      />
      <details>
        <summary>What there is to hear of</summary>
        <ul>
          {known.map(({ type, meaning }) => (
            <li key={type}>
              <code>{type}</code>: {meaning || sentence(type)}
            </li>
          ))}
        </ul>
      </details>
      <TextField
        label="Only about"
        value={value.subject}
        onChange={(subject) => onChange({ ...value, subject })}
        placeholder="endpoints/bikes"
        help="This path and all below it. Empty: everything."
      />
    </>
  );
}

/** Names among the types that are none; nothing is strange before the server has told what there is. */
function useStrange(types: readonly string[]): string[] {
  const known = useQuery(eventTypesQuery).data;
  return known ? types.filter((type) => !known.some((kind) => kind.type === type)) : [];
}

export function NewWebhook({ onMade }: { onMade: (made: { name: string; secret: string }) => void }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState(EMPTY);
  const body = wanted(value);
  const strange = useStrange(body.types);
  const complete = name.trim() && body.url && strange.length === 0;
  return (
    <FormAction
      title="A new webhook"
      submit="Create"
      kind="primary"
      call={complete ? createWebhook({ name: name.trim(), ...body }) : undefined}
      fields={
        <>
          <TextField label="Name" value={name} onChange={setName} help="As chat, or tickets." required autoFocus />
          <WantedFields value={value} onChange={setValue} strange={strange} />
        </>
      }
      onDone={(made) => {
        setName("");
        setValue(EMPTY);
        onMade(made);
      }}
    >
      New webhook
    </FormAction>
  );
}

/** What was typed stays when somebody else changes the webhook meanwhile: the person chooses. */
export function ChangeWebhook({ of }: { of: WebhookRead }) {
  const [base, setBase] = useState(of);
  const [value, setValue] = useState(() => typed(of));
  const take = (newer: WebhookRead) => {
    setBase(newer);
    setValue(typed(newer));
  };
  const stale = of.revision > base.revision;
  if (stale && same(value, typed(base))) take(of);
  const body = wanted(value);
  const strange = useStrange(body.types);
  return (
    <FormAction
      title={`The webhook ${of.name}`}
      submit="Save"
      call={body.url && strange.length === 0 ? changeWebhook(base, body) : undefined}
      fields={
        <>
          {stale ? (
            <Notice tone="attention" title="Somebody else has changed it meanwhile">
              <p>
                It is told at {of.url} of {of.types.join(", ") || "every event"}
                {of.subject ? ` about ${of.subject}` : ""}.
              </p>
              <Button onClick={() => take(of)}>Take theirs</Button>{" "}
              <Button onClick={() => setBase(of)}>Keep mine</Button>
            </Notice>
          ) : null}
          <WantedFields value={value} onChange={setValue} strange={strange} />
        </>
      }
      onDone={take}
    >
      Change
    </FormAction>
  );
}

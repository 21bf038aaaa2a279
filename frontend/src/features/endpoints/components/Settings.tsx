/** How an endpoint treats requests. Serving follows within a second; nothing needs a restart. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { Checkbox, FieldRow, Select, TextField } from "../../../components/Fields";
import { Facts } from "../../../components/Facts";
import { Panel } from "../../../components/Panel";
import { number, percent } from "../../../lib/numbers";
import { words } from "../../../lib/text";
import { putEndpoint, type EndpointRead, type EndpointSettings } from "../api";
import { strategyOf, type StrategyDraft } from "../strategy";
import { StrategyFields } from "./StrategyFields";
import { VISIBILITIES } from "./visibility";

const orNull = (text: string) => (text.trim() === "" ? null : Number(text));

interface Draft {
  visibility: string;
  extra: string;
  perSecond: string;
  deadline: string;
  rows: string;
  keepDays: string;
  record: boolean;
  redact: string;
}

const draftOf = (of: EndpointSettings): Draft => ({
  visibility: of.visibility,
  extra: of.extra_columns,
  perSecond:
    of.requests_per_second === null || of.requests_per_second === undefined ? "" : String(of.requests_per_second),
  deadline: String(of.deadline_ms),
  rows: String(of.max_rows),
  keepDays: of.keep_days === null || of.keep_days === undefined ? "" : String(of.keep_days),
  record: of.record,
  redact: of.redact.join(", "),
});

function settingsOf(old: EndpointSettings, draft: Draft): EndpointSettings | undefined {
  const next = {
    ...old,
    visibility: draft.visibility as EndpointSettings["visibility"],
    extra_columns: draft.extra as EndpointSettings["extra_columns"],
    requests_per_second: orNull(draft.perSecond),
    deadline_ms: Number(draft.deadline),
    max_rows: Number(draft.rows),
    keep_days: orNull(draft.keepDays),
    record: draft.record,
    redact: draft.redact
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean),
  };
  const numbers = [next.requests_per_second, next.deadline_ms, next.max_rows, next.keep_days];
  return numbers.some((one) => one !== null && !(one > 0)) ? undefined : next;
}

export function Settings({ endpoint }: { endpoint: EndpointRead }) {
  const { settings, strategy } = endpoint;
  return (
    <Panel title="Settings">
      <Facts
        of={{
          "Who may ask": settings.visibility,
          "New champions come by": words(strategy.strategy),
          "Other columns": settings.extra_columns,
          "Requests/s per caller": settings.requests_per_second ? number(settings.requests_per_second) : "no limit",
          Deadline: `${number(settings.deadline_ms)} ms`,
          "Rows per request": `${number(settings.max_rows)} at most`,
          Kept: settings.record ? percent(settings.record_share, 0) : "nothing",
          "Kept for": settings.keep_days ? `${settings.keep_days} days` : "ever",
          "Never kept": settings.redact.join(", "),
          Revision: endpoint.revision,
        }}
      />
      <Change key={endpoint.revision} endpoint={endpoint} />
    </Panel>
  );
}

function Change({ endpoint }: { endpoint: EndpointRead }) {
  const forbidden = useForbidden("write");
  const [draft, setDraft] = useState(() => draftOf(endpoint.settings));
  const [way, setWay] = useState<StrategyDraft>();
  const put = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const settings = settingsOf(endpoint.settings, draft);
  const strategy = way ? strategyOf(way) : endpoint.strategy;
  const call =
    settings && typeof strategy === "object"
      ? putEndpoint(endpoint.name, { model: endpoint.model, settings, strategy }, endpoint.revision)
      : undefined;
  return (
    <FormAction
      title={`Settings of ${endpoint.name}`}
      submit="Save"
      forbidden={forbidden}
      call={call}
      fields={
        <>
          <FieldRow>
            <Select
              label="Who may ask"
              value={draft.visibility}
              onChange={(visibility) => put({ visibility })}
              options={VISIBILITIES}
            />
            <Select
              label="Columns beyond the signature"
              value={draft.extra}
              onChange={(extra) => put({ extra })}
              options={["forbid", "record"]}
            />
          </FieldRow>
          <FieldRow>
            <TextField
              label="Requests per second and caller"
              type="number"
              step="any"
              value={draft.perSecond}
              onChange={(perSecond) => put({ perSecond })}
              help="Empty: no limit."
            />
            <TextField
              label="Deadline, ms"
              type="number"
              value={draft.deadline}
              onChange={(deadline) => put({ deadline })}
            />
            <TextField label="Rows per request" type="number" value={draft.rows} onChange={(rows) => put({ rows })} />
          </FieldRow>
          <FieldRow>
            <TextField
              label="Days that predictions are kept"
              type="number"
              value={draft.keepDays}
              onChange={(keepDays) => put({ keepDays })}
              help="Empty: for ever."
            />
            <TextField
              label="Columns never kept"
              value={draft.redact}
              onChange={(redact) => put({ redact })}
              help="Names with commas between."
            />
          </FieldRow>
          <Checkbox label="Keep predictions" checked={draft.record} onChange={(record) => put({ record })} />
          <StrategyFields draft={way} onChange={setWay} own={`As it is: ${words(endpoint.strategy.strategy)}`} />
        </>
      }
    >
      Change settings
    </FormAction>
  );
}

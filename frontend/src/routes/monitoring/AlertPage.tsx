/** One alert: what is wrong, why, what next, and what the governor said to it. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CopyId } from "../../components/Copy";
import { Facts } from "../../components/Facts";
import { Notice } from "../../components/Notice";
import { Page } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { alertQuery, type AlertDetail } from "../../features/alerts/api";
import { AlertActions } from "../../features/alerts/components/AlertActions";
import { severityTone } from "../../features/alerts/severity";
import { Rulings } from "../../features/monitoring/components/GovernorTab";
import { number } from "../../lib/numbers";
import { plural, sentence } from "../../lib/text";

const route = getRouteApi("/alerts/$id");

export function AlertPage() {
  const { id } = route.useParams();
  const query = useQuery(alertQuery(id));
  return (
    <Read query={query} what="the alert" instead={{ label: "All alerts", to: "/monitoring" }}>
      {(alert) => (
        <Page
          title={`${sentence(alert.kind)} of ${alert.endpoint ?? alert.model ?? "something that is gone"}`}
          crumbs={[
            { label: "Monitoring", to: "/monitoring" },
            ...(alert.endpoint
              ? [{ label: alert.endpoint, to: `/monitoring/${encodeURIComponent(alert.endpoint)}` }]
              : []),
          ]}
          marks={
            <>
              <State of={alert.state} />
              <CopyId id={alert.id} noun="alert" />
            </>
          }
          actions={<AlertActions alert={alert} />}
        >
          <Notice tone={alert.state === "resolved" ? "ok" : severityTone(alert.severity)} title={alert.reason}>
            <p>{alert.state === "resolved" ? "It is over." : alert.next_step}</p>
          </Notice>
          <About alert={alert} />
          <WindowFacts alert={alert} />
          {alert.endpoint ? (
            <Panel title="What the governor said to it">
              <Rulings rulings={alert.rulings} />
            </Panel>
          ) : null}
        </Page>
      )}
    </Read>
  );
}

function About({ alert }: { alert: AlertDetail }) {
  return (
    <Panel title="What is known">
      <Facts
        of={{
          Severity: alert.severity,
          Seen: plural(alert.occurrences, "time"),
          Opened: <RelativeTime at={alert.opened_at} />,
          "Last seen": <RelativeTime at={alert.last_seen_at} />,
          Endpoint: alert.endpoint ? (
            <Link to="/endpoints/$name" params={{ name: alert.endpoint }}>
              {alert.endpoint}
            </Link>
          ) : null,
          Model: alert.model ? (
            <Link to="/models/$name" params={{ name: alert.model }}>
              {alert.model}
            </Link>
          ) : null,
          Acknowledged: alert.acknowledged_at ? (
            <>
              by {alert.acknowledged_by ?? "somebody"} <RelativeTime at={alert.acknowledged_at} />
            </>
          ) : (
            "by nobody yet"
          ),
          Note: alert.note,
          Resolved: alert.resolved_at ? (
            <>
              by {alert.resolved_by ?? "somebody"} <RelativeTime at={alert.resolved_at} />
            </>
          ) : null,
        }}
      />
    </Panel>
  );
}

function WindowFacts({ alert: { window, endpoint } }: { alert: AlertDetail }) {
  if (!window || !endpoint) return null;
  const { drift, performance } = window;
  return (
    <Panel title="The window that showed it last">
      <Facts
        of={{
          Verdict: <State of={window.verdict} />,
          Rows: number(window.rows),
          "Answered by": window.version === null ? null : `v${window.version}`,
          Closed: window.closed_at ? <RelativeTime at={window.closed_at} /> : null,
          Broken: drift?.broken.join(", "),
          Drifted: drift?.drifted.join(", "),
          Quality: performance
            ? `${performance.metric} ${number(performance.value)}, in training ${number(performance.reference)}`
            : null,
          More: (
            <Link to="/monitoring/$name" params={{ name: endpoint }} search={{ window: window.id } as never}>
              Distributions of this window
            </Link>
          ),
        }}
      />
    </Panel>
  );
}

/** What answers now: the live colour and the warm one beside it, with their shares and figures. */
import { Link } from "@tanstack/react-router";
import { Facts, Stat, Stats } from "../../../components/Facts";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { Meter } from "../../../components/Spark";
import { Tag } from "../../../components/Tag";
import { millis, number, percent } from "../../../lib/numbers";
import type { EndpointRead, TrafficRead } from "../api";
import styles from "./Answering.module.css";

export function Answering({ endpoint, traffic }: { endpoint: EndpointRead; traffic: TrafficRead | undefined }) {
  const { model, targets } = endpoint;
  if (targets.length === 0) {
    return (
      <Notice tone="attention" title="Nothing answers here yet">
        <p>
          {model} has no version rolled out. Promote one, or start a rollout; until then requests are refused with 503.
        </p>
      </Notice>
    );
  }
  return (
    <Panel title="What answers now">
      <ul className={styles.targets}>
        {targets.map(({ version, role, share }) => {
          const of = traffic?.versions.find((one) => one.version === version);
          return (
            <li key={version} className={styles.target} data-tone={role === "live" ? "ok" : "idle"}>
              <p className={styles.head}>
                <Link to="/models/$name/versions/$number" params={{ name: model, number: String(version) }}>
                  {model} v{version}
                </Link>
                <Tag tone={role === "live" ? "ok" : "idle"}>{role}</Tag>
                {of?.colour ? (
                  <span className={styles.colour} data-colour={of.colour}>
                    {of.colour}
                  </span>
                ) : null}
              </p>
              <Facts
                of={{
                  Share: (
                    <span className={styles.share}>
                      <Meter share={share} label={`${percent(share, 0)} of the requests`} tone="ok" />{" "}
                      {percent(share, 0)}
                    </span>
                  ),
                  "Requests/s": of && number(of.now.requests_per_second),
                  "p95, last hour": of && millis(of.total.p95_ms),
                  Failed: of && `${number(of.total.failed)} of ${number(of.total.requests)}`,
                }}
              />
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

export function NowStats({ traffic }: { traffic: TrafficRead }) {
  const { now, total } = traffic.together;
  return (
    <Stats>
      <Stat label="Requests/s" value={number(now.requests_per_second)} note="last 30 s" />
      <Stat label="p50" value={millis(total.p50_ms)} note="last hour" />
      <Stat label="p95" value={millis(total.p95_ms)} note="last hour" />
      <Stat label="p99" value={millis(total.p99_ms)} note="last hour" />
      <Stat
        label="Failed"
        value={number(total.failed)}
        note={`of ${number(total.requests)} in the last hour`}
        {...(total.failed > 0 ? { tone: "failed" } : {})}
      />
      <Stat label="Refused" value={number(total.refused + total.limited)} note={`${number(total.limited)} too often`} />
    </Stats>
  );
}

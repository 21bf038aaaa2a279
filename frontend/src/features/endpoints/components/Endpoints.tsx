/** What answers predictions now: per endpoint the live version, the warm standby, how often it changed. */
import { Link } from "@tanstack/react-router";
import type { Endpoint } from "../../../client/types";
import { Panel } from "../../../components/Panel";
import { Tag } from "../../../components/Tag";
import type { Tone } from "../../../lib/tone";
import { words } from "../../../lib/text";
import styles from "./Endpoints.module.css";

const TONES: Record<string, Tone> = { live: "ok", rolling_out: "running" };

export function Endpoints({ endpoints }: { endpoints: readonly Endpoint[] }) {
  return (
    <Panel
      title="Endpoints"
      count={endpoints.length}
      empty={endpoints.length === 0 && "None yet. An endpoint appears when a promoted model is first served."}
    >
      <ul className={styles.list}>
        {endpoints.map((endpoint) => (
          <li key={endpoint.name} className={styles.endpoint}>
            <p className={styles.head}>
              <strong>
                <Link to="/endpoints/$name" params={{ name: endpoint.name }}>
                  {endpoint.name}
                </Link>
              </strong>
              <Tag tone={TONES[endpoint.state] ?? "idle"}>{words(endpoint.state)}</Tag>
            </p>
            <dl className={styles.facts}>
              <div>
                <dt>Live</dt>
                <dd>{endpoint.live_version === null ? "none" : `${endpoint.model} v${endpoint.live_version}`}</dd>
              </div>
              <div>
                <dt>Standby</dt>
                <dd>{endpoint.standby_version === null ? "none" : `v${endpoint.standby_version}, warm`}</dd>
              </div>
              <div>
                <dt>Revision</dt>
                <dd>{endpoint.revision}</dd>
              </div>
            </dl>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Who was champion when, by whose decision and on what evidence; and the candidates that were refused meanwhile. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { CopyId } from "../../../components/Copy";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { plainly } from "../../../lib/bounds";
import { duration } from "../../../lib/time";
import { championMovesQuery, promotionsQuery } from "../api";
import { reignsOf, type Reign } from "../history";
import { signed } from "../gates";
import styles from "./ChampionTimeline.module.css";

export function ChampionTimeline({ name }: { name: string }) {
  const moves = useQuery(championMovesQuery(name));
  const { data: promotions } = useInfiniteQuery(promotionsQuery(name));
  const reigns = useMemo(() => reignsOf(moves.data ?? [], promotions ?? []), [moves.data, promotions]);
  return (
    <Panel title="Champions">
      <Read query={moves} what="the champion's history">
        {(all) =>
          all.length === 0 ? (
            <p>None yet. The first version that passes the absolute gates of the policy becomes champion.</p>
          ) : (
            <ol className={styles.line}>
              {reigns.map((reign) => (
                <Moment key={reign.key} name={name} reign={reign} />
              ))}
            </ol>
          )
        }
      </Read>
    </Panel>
  );
}

function Moment({ name, reign }: { name: string; reign: Reign }) {
  const { at, until, number, previous, actor, promotion, back } = reign;
  const overridden = promotion?.overridden ?? false;
  const tone = overridden ? "failed" : until === null ? "ok" : back ? "attention" : "idle";
  const comparison = promotion?.evidence?.comparison;
  return (
    <li className={styles.moment} data-tone={tone}>
      <p className={styles.head}>
        <Link to="/models/$name/versions/$number" params={{ name, number: String(number) }}>
          Version {number}
        </Link>
        {until === null ? <Tag tone="ok">champion</Tag> : null}
        {back ? <Tag tone="attention">came back</Tag> : null}
        {overridden ? <Tag tone="failed">overridden</Tag> : null}
        <RelativeTime at={at} />
        {until === null ? null : <span>for {duration((Date.parse(until) - Date.parse(at)) / 1000)}</span>}
      </p>
      <p>
        {promotion
          ? `Asked for by ${promotion.requested_by}${promotion.approver ? `, approved by ${promotion.approver}` : ""}${promotion.overridden_by ? `, let through by ${promotion.overridden_by} against the gates: ${promotion.override_reason ?? ""}` : ""}.`
          : back
            ? `${actor} rolled back from version ${previous ?? "?"}.`
            : `By ${actor}.`}
      </p>
      {promotion ? (
        <p className={styles.evidence}>
          <Link to="/promotions/$id" params={{ id: promotion.id }}>
            Evidence
          </Link>
          <CopyId id={promotion.id} noun="promotion" />
          <span>
            {comparison
              ? `${signed(comparison.effect)} ${comparison.metric} against v${promotion.champion_version ?? "?"} on ${comparison.rows} rows`
              : "First champion: the absolute gates decided."}
          </span>
        </p>
      ) : null}
      {promotion ? (
        <details>
          <summary>Why</summary>
          <p className={styles.why}>{plainly(promotion.reason)}</p>
        </details>
      ) : null}
    </li>
  );
}

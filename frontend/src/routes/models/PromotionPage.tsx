/** A decision as a page: verdict, gates, numbers, people, what can be done about it, and what happened after. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CopyId } from "../../components/Copy";
import { Facts } from "../../components/Facts";
import { Notice } from "../../components/Notice";
import { Columns, Page, Stack } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { Tag } from "../../components/Tag";
import { JobLine } from "../../components/JobLine";
import { useJob, type JobRead } from "../../client/job";
import { jobQuery } from "../../features/jobs/api";
import { rolloutsOfQuery } from "../../features/models/api";
import { packAddress, promotionQuery, type Promotion } from "../../features/promotions/api";
import { Decide } from "../../features/promotions/components/Decide";
import { Replays } from "../../features/promotions/components/Replays";
import { EvidenceReport } from "./EvidenceReport";

const route = getRouteApi("/promotions/$id");

export function PromotionPage() {
  const { id } = route.useParams();
  const query = useQuery(promotionQuery(id));
  return (
    <Read query={query} what="the promotion" instead={{ label: "All models", to: "/models" }}>
      {(promotion) => (
        <Page
          title={`Promotion of ${promotion.model} v${promotion.version}`}
          crumbs={[
            { label: "Models", to: "/models" },
            { label: promotion.model, to: `/models/${encodeURIComponent(promotion.model)}` },
            {
              label: `v${promotion.version}`,
              to: `/models/${encodeURIComponent(promotion.model)}/versions/${promotion.version}`,
            },
          ]}
          marks={
            <>
              <State of={promotion.state} />
              {promotion.overridden ? <Tag tone="failed">overridden</Tag> : null}
              <CopyId id={promotion.id} noun="promotion" />
            </>
          }
          about={
            promotion.champion_version === null
              ? "There was no champion to compare with."
              : `Against the champion of then, version ${promotion.champion_version}.`
          }
          actions={<Decide promotion={promotion} />}
        >
          <Standing promotion={promotion} />
          <Columns>
            <Stack>
              <EvidenceReport promotion={promotion} linked={false} />
            </Stack>
            <Stack>
              <People promotion={promotion} />
              <After promotion={promotion} />
              <Replays promotion={promotion} />
              <Record promotion={promotion} />
            </Stack>
          </Columns>
        </Page>
      )}
    </Read>
  );
}

/** What its state means where the gates alone do not say it. */
function Standing({ promotion }: { promotion: Promotion }) {
  const { state, overridden, overridden_by, overridden_at, override_reason, reason, approver } = promotion;
  if (state === "requested") return <Gathering id={promotion.job_id} />;
  return (
    <>
      {overridden ? (
        <Notice tone="failed" title={`Let through against the gates by ${overridden_by ?? "an admin"}`}>
          <p>
            {override_reason} {overridden_at ? <RelativeTime at={overridden_at} /> : null}. This never goes away.
          </p>
        </Notice>
      ) : null}
      {state === "awaiting_approval" ? (
        <Notice tone="attention" title="The gates passed; a person must agree">
          <p>
            The policy asks for approval by somebody with the role approver who is not {promotion.requested_by}, who
            asked for it.
          </p>
        </Notice>
      ) : null}
      {state === "rejected" ? (
        <Notice tone="failed" title={`Rejected by ${approver ?? "an approver"}`}>
          <p>{reason}</p>
          <p>It is not asked for again under the same policy: train another candidate.</p>
        </Notice>
      ) : null}
      {state === "superseded" ? (
        <Notice tone="attention" title="Another version became champion first">
          <p>What it was judged against is not the champion any more. Ask again, against the new one.</p>
        </Notice>
      ) : null}
    </>
  );
}

function Gathering({ id }: { id: string }) {
  const { data } = useQuery(jobQuery(id));
  return data ? <Followed job={data} /> : null;
}

function Followed({ job }: { job: JobRead }) {
  return <JobLine job={useJob(job)} />;
}

function People({ promotion }: { promotion: Promotion }) {
  const { requested_by, requested_at, decided_at, approver, approved_at, applied_at, policy, policy_version } =
    promotion;
  return (
    <Panel title="Who and when">
      <Facts
        of={{
          Author: (
            <>
              {requested_by}, <RelativeTime at={requested_at} />
            </>
          ),
          Decided: decided_at && <RelativeTime at={decided_at} />,
          Approval: approver ? (
            <>
              {approver}
              {approved_at ? (
                <>
                  , <RelativeTime at={approved_at} />
                </>
              ) : null}
            </>
          ) : policy.approval === "required" ? (
            "required, by another person than the author"
          ) : (
            "automatic: the gates alone decide"
          ),
          Applied: applied_at && <RelativeTime at={applied_at} />,
          Policy: (
            <Link to="/models/$name" params={{ name: promotion.model }} search={{ tab: "policy" } as never}>
              version {policy_version}
            </Link>
          ),
        }}
      />
    </Panel>
  );
}

function After({ promotion: { id, model, applied_at } }: { promotion: Promotion }) {
  const query = useQuery(rolloutsOfQuery(model, id));
  return (
    <Panel title="What happened after">
      <Read query={query} what="the rollouts" loading={null}>
        {(rollouts) =>
          rollouts.length === 0 ? (
            <p>
              {applied_at
                ? "It became champion. No endpoint rolled out to it by this decision."
                : "Nothing: it has not become champion."}
            </p>
          ) : (
            <ul>
              {rollouts.map((rollout) => (
                <li key={rollout.id}>
                  <State of={rollout.state} />{" "}
                  <Link to="/rollouts/$id" params={{ id: rollout.id }}>
                    Rollout on {rollout.endpoint}
                  </Link>{" "}
                  <RelativeTime at={rollout.started_at} />
                  {rollout.reason ? <p>{rollout.reason}</p> : null}
                </li>
              ))}
            </ul>
          )
        }
      </Read>
    </Panel>
  );
}

function Record({ promotion: { id, decision, record_digest, evidence } }: { promotion: Promotion }) {
  return (
    <Panel title="Record">
      <Facts
        of={{
          Digest: record_digest && <CopyId id={record_digest} noun="record digest" />,
          Candidate: evidence?.candidate && <CopyId id={evidence.candidate.package_digest} noun="package" />,
          Champion: evidence?.champion && <CopyId id={evidence.champion.package_digest} noun="package" />,
          Platform: evidence?.millrace,
          Seed: evidence?.seed,
        }}
      />
      {decision ? (
        <p>
          <a href={packAddress(id)} download>
            Download the evidence pack
          </a>{" "}
          (signed: JSON, a page with plots, signatures)
        </p>
      ) : null}
    </Panel>
  );
}

/** One version of a model: what it has shown, how it answers, what it is made of, and what can be done with it. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CopyId } from "../../components/Copy";
import { Notice } from "../../components/Notice";
import { Page, Stack } from "../../components/Page";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { Tabs } from "../../components/Tabs";
import { Tag } from "../../components/Tag";
import { Eyeballs } from "../../features/eyeballs/components/Eyeballs";
import { Images } from "../../features/images/components/Images";
import { LineageView } from "../../features/lineage/components/LineageView";
import { Card } from "../../features/model_cards/components/Card";
import { History } from "../../features/model_cards/components/History";
import { CheckReport } from "../../features/model_checks/components/CheckReport";
import { modelQuery, versionQuery, type Version } from "../../features/models/api";
import { Describe } from "../../features/models/components/About";
import { Archive, Deploy } from "../../features/models/components/Deploy";
import { DescribeVersion } from "../../features/models/components/DescribeVersion";
import { Serving } from "../../features/models/components/Serving";
import { evidenceQuery } from "../../features/promotions/api";
import { RequestPromotion } from "../../features/promotions/components/Request";
import { toneOf } from "../../lib/states";
import { EvidenceReport } from "./EvidenceReport";

const route = getRouteApi("/models/$name/versions/$number");

export function ModelVersionPage() {
  const { name, number: text } = route.useParams();
  const number = Number(text);
  const query = useQuery(versionQuery(name, number));
  return (
    <Read query={query} what="the version" instead={{ label: "The model", to: `/models/${encodeURIComponent(name)}` }}>
      {(version) => (
        <Page
          title={`${name} v${number}`}
          crumbs={[
            { label: "Models", to: "/models" },
            { label: name, to: `/models/${encodeURIComponent(name)}` },
          ]}
          marks={<Marks version={version} />}
          about={
            <>
              From{" "}
              <Link to="/runs/$id" params={{ id: version.run_id }}>
                run …{version.run_id.slice(-8)}
              </Link>{" "}
              <CopyId id={version.run_id} noun="run" />, registered <RelativeTime at={version.created_at} /> by{" "}
              {version.created_by}. {version.description}
            </>
          }
          actions={<Actions version={version} />}
        >
          {version.overridden ? (
            <Notice tone="failed" title="An admin once put this version past its gates">
              <p>The evidence did not support it. The promotion below says who and why.</p>
            </Notice>
          ) : null}
          <Parts key={`${name} ${number}`} version={version} />
        </Page>
      )}
    </Read>
  );
}

function Marks({ version: { state, aliases, overridden, flavor } }: { version: Version }) {
  return (
    <>
      {aliases.map((alias) => (
        <Tag key={alias} tone={toneOf(alias)}>
          {alias}
        </Tag>
      ))}
      <State of={state} />
      <Tag tone="idle">{flavor === "onnx" ? "ONNX" : "Python"}</Tag>
      {overridden ? <Tag tone="failed">overridden</Tag> : null}
    </>
  );
}

function Actions({ version }: { version: Version }) {
  const { model, number, state, aliases } = version;
  const pointless =
    state === "archived" ? "It is archived" : aliases.includes("champion") ? "It is the champion" : undefined;
  return (
    <>
      <RequestPromotion name={model} number={number} pointless={pointless} />
      <Deploy version={version} />
      <Archive version={version} />
    </>
  );
}

function Parts({ version }: { version: Version }) {
  const { model: name, number } = version;
  const { data: model } = useQuery(modelQuery(name));
  const evidence = useQuery(evidenceQuery(name, number));
  return (
    <Tabs
      label="Parts of the version"
      parts={[
        {
          id: "gates",
          label: "Gate report",
          show: () => (
            <Read query={evidence} what="the evidence">
              {(promotion) =>
                promotion ? (
                  <EvidenceReport promotion={promotion} />
                ) : (
                  <Notice tone="idle" title="Nobody has asked for a promotion yet">
                    <p>Request one: the gates of the policy judge it, and the report appears here.</p>
                  </Notice>
                )
              }
            </Read>
          ),
        },
        { id: "checks", label: "Model checks", show: () => <CheckReport name={name} number={number} /> },
        { id: "eyeball", label: "Eyeballing", show: () => <Eyeballs name={name} number={number} /> },
        {
          id: "card",
          label: "Model card",
          show: () => (
            <Card
              name={name}
              number={number}
              tools={
                <>
                  {model ? <Describe key={model.revision} model={model} /> : null}
                  <DescribeVersion version={version} />
                </>
              }
            />
          ),
        },
        {
          id: "package",
          label: "Package and images",
          show: () => (
            <Stack>
              <Serving version={version} />
              <Images name={name} number={number} />
            </Stack>
          ),
        },
        { id: "lineage", label: "Lineage", show: () => <LineageView of={`models/${name}/versions/${number}`} /> },
        { id: "history", label: "History", show: () => <History name={name} number={number} /> },
      ]}
    />
  );
}

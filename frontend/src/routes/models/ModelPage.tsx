/** One model: its champions, versions, policy, suites, pins, alpha and drills. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Columns, Page, Stack } from "../../components/Page";
import { Read } from "../../components/Read";
import { Tabs } from "../../components/Tabs";
import { Tag } from "../../components/Tag";
import { Comparisons } from "../../features/comparisons/components/Comparisons";
import { Drills } from "../../features/gate_drills/components/Drills";
import { Compare } from "../../features/model_cards/components/Compare";
import { Suites } from "../../features/model_checks/components/Suites";
import { modelQuery, type Model } from "../../features/models/api";
import { About } from "../../features/models/components/About";
import { OutsideChanges, OutsideNotice } from "../../features/models/components/OutsideChanges";
import { VersionsTable } from "../../features/models/components/VersionsTable";
import { Pins } from "../../features/pins/components/Pins";
import { AlphaBudgetPanel } from "../../features/promotions/components/AlphaBudgetPanel";
import { ChampionTimeline } from "../../features/promotions/components/ChampionTimeline";
import { PolicyEditor } from "../../features/promotions/components/PolicyEditor";
import { PromotionsTable } from "../../features/promotions/components/PromotionsTable";
import { toneOf } from "../../lib/states";
import { words } from "../../lib/text";
import { useUrlState } from "../../lib/urlState";

const route = getRouteApi("/models/$name");

export function ModelPage() {
  const { name } = route.useParams();
  const query = useQuery(modelQuery(name));
  const [compared] = useUrlState("compare");
  return (
    <Read query={query} what="the model" instead={{ label: "All models", to: "/models" }}>
      {(model) => (
        <Page
          title={name}
          crumbs={[{ label: "Models", to: "/models" }]}
          marks={<Aliases model={model} />}
          about={`${words(model.task)} of ${model.target}. ${model.description}`}
          actions={
            <Link to="/lineage" search={{ of: `models/${name}` } as never}>
              Lineage
            </Link>
          }
        >
          <OutsideNotice model={model} />
          <Tabs
            label="Parts of the model"
            parts={[
              { id: "versions", label: "Versions", count: model.versions, show: () => <Overview model={model} /> },
              { id: "promotions", label: "Promotions", show: () => <PromotionsTable name={name} /> },
              {
                id: "policy",
                label: "Policy",
                count: model.policy.gates.length,
                show: () => <PolicyEditor name={name} policy={model.policy} version={model.policy_version} />,
              },
              { id: "suites", label: "Suites", show: () => <Suites name={name} /> },
              { id: "pins", label: "Pins", show: () => <Pins name={name} /> },
              { id: "alpha", label: "Alpha budget", show: () => <AlphaBudgetPanel name={name} /> },
              { id: "drills", label: "Gate drills", show: () => <Drills name={name} /> },
              {
                id: "compare",
                label: "Compare",
                show: () => (
                  <>
                    <Compare key={compared} name={name} />
                    <Comparisons name={name} versions={compared} />
                  </>
                ),
              },
              { id: "outside", label: "Outside changes", show: () => <OutsideChanges name={name} /> },
            ]}
          />
        </Page>
      )}
    </Read>
  );
}

function Aliases({ model: { aliases } }: { model: Model }) {
  const names = Object.entries(aliases);
  return names.length === 0 ? (
    <Tag tone="attention">no champion</Tag>
  ) : (
    names.map(([alias, number]) => (
      <Tag key={alias} tone={toneOf(alias)}>
        {`${alias} v${number}`}
      </Tag>
    ))
  );
}

function Overview({ model }: { model: Model }) {
  return (
    <>
      <VersionsTable name={model.name} />
      <Columns>
        <ChampionTimeline name={model.name} />
        <Stack>
          <About model={model} />
        </Stack>
      </Columns>
    </>
  );
}

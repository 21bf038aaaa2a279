/** One recorded answer: what was asked, what was said, why, and whether it was right. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { CopyId } from "../../components/Copy";
import { Facts, Stat, Stats } from "../../components/Facts";
import { Loading } from "../../components/Loading";
import { Columns, Page, Stack } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { PinForm } from "../../features/eyeballs/components/PinForm";
import { predictionQuery, type PredictionRead } from "../../features/predictions/api";
import { Chain } from "../../features/predictions/components/Chain";
import { Explanation } from "../../features/predictions/components/Explanation";
import { judged, said } from "../../features/predictions/truth";
import { millis, percent } from "../../lib/numbers";

const route = getRouteApi("/predictions/$id");

export function PredictionPage() {
  const { id } = route.useParams();
  const query = useQuery(predictionQuery(id));
  return (
    <Read query={query} what="the prediction" instead={{ label: "All endpoints", to: "/endpoints" }}>
      {(found) =>
        "kind" in found ? (
          <Page title="Prediction" about="A worker looks it up among the recorded ones…">
            <Loading />
          </Page>
        ) : (
          <Prediction prediction={found} />
        )
      }
    </Read>
  );
}

const asFacts = (row: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, said(value)]));

function Prediction({ prediction }: { prediction: PredictionRead }) {
  const { id, endpoint, model, version, extra, ground_truth: truth, prediction: answer } = prediction;
  const [pinned, setPinned] = useState(false);
  const known = truth !== null;
  const judgement = judged(answer, truth);
  return (
    <Page
      title={`${said(answer)} by ${model} v${version}`}
      crumbs={[
        { label: "Endpoints", to: "/endpoints" },
        { label: endpoint, to: `/endpoints/${encodeURIComponent(endpoint)}` },
      ]}
      marks={<CopyId id={id} noun="prediction" />}
      about={
        <>
          Answered <RelativeTime at={prediction.at} />
        </>
      }
      actions={
        <>
          {pinned ? (
            <Link to="/models/$name" params={{ name: model }} search={{ tab: "pins" } as never}>
              Pinned: every later version must get it right
            </Link>
          ) : null}
          {answer === null ? null : (
            <PinForm
              name={model}
              number={version}
              instance={prediction.inputs}
              answered={answer}
              truth={known ? truth : null}
              numeric={typeof answer === "number" && !prediction.probabilities}
              onDone={() => setPinned(true)}
            />
          )}
        </>
      }
    >
      <Stack>
        <Stats>
          <Stat label="Answer" value={said(answer)} />
          <Stat
            label="Truth"
            value={known ? said(truth) : "not known yet"}
            note={judgement?.words ?? "labels come later"}
            {...(judgement?.wrong ? { tone: "failed" } : {})}
          />
          <Stat label="Took" value={millis(prediction.latency_us / 1000)} note="inside the model" />
          {prediction.probabilities ? (
            <Stat label="Most likely" value={percent(Math.max(...prediction.probabilities))} />
          ) : null}
        </Stats>
        <Columns>
          <Stack>
            <Explanation id={id} />
            <Chain id={id} />
          </Stack>
          <Stack>
            <Panel title="Inputs">
              <Facts of={asFacts(prediction.inputs)} />
            </Panel>
            {extra && Object.keys(extra).length > 0 ? (
              <Panel title="Sent along">
                <Facts of={asFacts(extra)} />
              </Panel>
            ) : null}
            <Panel title="About">
              <Facts
                of={{
                  Endpoint: (
                    <Link to="/endpoints/$name" params={{ name: endpoint }}>
                      {endpoint}
                    </Link>
                  ),
                  Version: (
                    <Link to="/models/$name/versions/$number" params={{ name: model, number: String(version) }}>
                      {model} v{version}
                    </Link>
                  ),
                  Mode: prediction.mode,
                  Package: <CopyId id={prediction.package} noun="package" />,
                }}
              />
            </Panel>
          </Stack>
        </Columns>
      </Stack>
    </Page>
  );
}

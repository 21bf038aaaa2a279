/** All models: what they answer, who is champion, and what was decided last. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Notice } from "../../components/Notice";
import { Page } from "../../components/Page";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { CreateModel } from "../../features/models/components/CreateModel";
import { ModelsTable } from "../../features/models/components/ModelsTable";
import { promotionsQuery } from "../../features/promotions/api";

export function ModelsPage() {
  const navigate = useNavigate();
  const { data: promotions = [] } = useInfiniteQuery(promotionsQuery());
  const lastDecision = (name: string) => {
    const newest = promotions.find(({ model }) => model === name);
    if (!newest) return undefined;
    const { id, state, version, decided_at, requested_at } = newest;
    const at = decided_at ?? requested_at;
    return {
      at,
      text: `${state} ${at}`,
      show: (
        <>
          <State of={state} />{" "}
          <Link to="/promotions/$id" params={{ id }}>
            v{version}
          </Link>{" "}
          <RelativeTime at={at} />
        </>
      ),
    };
  };
  return (
    <Page
      title="Models"
      about="A version becomes champion by evidence: the gates of its model's policy decide."
      actions={<CreateModel onMade={(name) => void navigate({ to: "/models/$name", params: { name } })} />}
    >
      <ModelsTable
        lastDecision={lastDecision}
        empty={
          <Notice tone="idle" title="No models yet">
            <p>
              A finished run whose spec has <code>model: NAME</code> makes one by itself; so does importing an MLflow
              model. Or declare one now and write its policy first.
            </p>
          </Notice>
        }
      />
    </Page>
  );
}

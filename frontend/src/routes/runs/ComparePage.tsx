/** Runs side by side: `?ids=a,b,c`. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Notice } from "../../components/Notice";
import { Columns, Page, Stack } from "../../components/Page";
import { Read } from "../../components/Read";
import { comparisonQuery } from "../../features/runs/api";
import {
  CurvesOverlaid,
  Differences,
  Drawn,
  MetricsCompared,
  RunsCompared,
} from "../../features/runs/components/Comparison";
import { plural } from "../../lib/text";
import { useUrlState } from "../../lib/urlState";

const MOST = 100;
const RUNS = { label: "Runs", to: "/runs" };

function Compared({ ids }: { ids: readonly string[] }) {
  const query = useQuery(comparisonQuery(ids));
  return (
    <Read query={query} what="the comparison" instead={{ label: "All runs", to: "/runs" }}>
      {(comparison) => (
        <Stack>
          <MetricsCompared of={comparison} />
          <Differences of={comparison} />
          <Columns>
            <Stack>
              <Drawn of={comparison} />
              <CurvesOverlaid of={comparison} />
            </Stack>
            <RunsCompared of={comparison} />
          </Columns>
        </Stack>
      )}
    </Read>
  );
}

export function ComparePage() {
  const [text] = useUrlState("ids");
  const ids = useMemo(() => [...new Set(text.split(",").map((id) => id.trim()))].filter(Boolean), [text]);
  const fits = ids.length >= 2 && ids.length <= MOST;
  return (
    <Page title="Compare" crumbs={[RUNS]} about={fits ? plural(ids.length, "run") : undefined}>
      {fits ? (
        <Compared ids={ids} />
      ) : (
        <Notice
          tone="idle"
          title={ids.length > MOST ? `At most ${MOST} runs can be compared` : "Choose two runs or more"}
        >
          <p>
            Tick them in the <Link to="/runs">table of runs</Link>, then follow its link to compare.
          </p>
        </Notice>
      )}
    </Page>
  );
}

/** Lineage across everything: from a prediction to its rows, and from rows to what was made of them. */
import { useState } from "react";
import { Button } from "../../components/Button";
import { FieldRow, Select, TextField } from "../../components/Fields";
import { Notice } from "../../components/Notice";
import { Page } from "../../components/Page";
import { Panel } from "../../components/Panel";
import { DIRECTIONS, type Direction } from "../../features/lineage/api";
import { LineageView } from "../../features/lineage/components/LineageView";
import { useUrlState } from "../../lib/urlState";

const SAYS: Record<Direction, string> = { both: "both ways", up: "where it came from", down: "what came of it" };

export function LineagePage() {
  const [of, setOf] = useUrlState("of");
  const [towards, setTowards] = useUrlState("direction", "both");
  const [depth, setDepth] = useUrlState("depth", "6");
  const [text, setText] = useState(of);
  const direction = DIRECTIONS.find((one) => one === towards) ?? "both";
  const ask = (next: string) => {
    setText(next);
    setOf(next);
  };
  return (
    <Page title="Lineage" about="From a prediction to its rows, and from rows to everything that was made of them.">
      <Panel title="Of what">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            ask(text.trim());
          }}
        >
          <FieldRow>
            <TextField
              label="Of"
              value={text}
              onChange={setText}
              placeholder="predictions/01a2…, datasets/bikes/versions/3, models/bikes/versions/2"
            />
            <Select
              label="Direction"
              value={direction}
              onChange={setTowards}
              options={DIRECTIONS.map((value) => ({ value, label: SAYS[value] }))}
            />
            <Select
              label="Steps at most"
              value={depth}
              onChange={setDepth}
              options={["1", "2", "3", "6", "10", "20"]}
            />
            <Button type="submit" kind="primary">
              Show
            </Button>
          </FieldRow>
        </form>
      </Panel>
      {of ? (
        <LineageView
          of={of}
          direction={direction}
          depth={Number(depth) || 6}
          height="clamp(320px, 46vh, 620px)"
          onAsk={ask}
        />
      ) : (
        <Notice tone="idle" title="Name something, or come here from its page">
          <p>
            A prediction by its id (each answer of an endpoint has one), a data version, a run, a model version, a
            promotion, an endpoint or a batch.
          </p>
        </Notice>
      )}
    </Page>
  );
}

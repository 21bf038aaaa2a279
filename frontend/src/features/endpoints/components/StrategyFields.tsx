/** How a version takes over, as fields. */
import { Checkbox, FieldRow, Select, TextField } from "../../../components/Fields";
import { draftOf, STRATEGIES, strategyOf, type StrategyDraft } from "../strategy";

const SHARES = {
  blue_green: "",
  canary: "Shares of the requests in %, one per step",
  shadow: "Share of the requests copied in %",
  ab: "Share of the callers in %",
};

const SAYS = {
  blue_green: "It is loaded, real rows are replayed, then it answers everything. The old version stays warm.",
  canary: "Each step is judged on live requests before the next; a worse candidate is rolled back by itself.",
  shadow: "It answers copies; nobody sees its answers until it is switched to.",
  ab: "Callers stay with their version by X-Routing-Key until the test ends.",
};

interface StrategyFieldsProps {
  /** Undefined for the endpoint's own, where that may be chosen. */
  draft: StrategyDraft | undefined;
  onChange: (draft: StrategyDraft | undefined) => void;
  /** Label of the choice not to say anything. */
  own?: string;
}

export function StrategyFields({ draft, onChange, own }: StrategyFieldsProps) {
  const wrong = draft ? strategyOf(draft) : undefined;
  return (
    <>
      <FieldRow>
        <Select
          label="Strategy"
          value={draft?.name ?? ""}
          options={own ? [{ value: "", label: own }, ...STRATEGIES] : STRATEGIES}
          onChange={(next) => {
            const chosen = STRATEGIES.find(({ value }) => value === next);
            onChange(chosen && draftOf(chosen.value));
          }}
          help={draft ? SAYS[draft.name] : undefined}
        />
        {draft && draft.name !== "blue_green" ? (
          <TextField
            label={SHARES[draft.name]}
            value={draft.shares}
            onChange={(shares) => onChange({ ...draft, shares })}
            error={typeof wrong === "string" ? wrong : undefined}
          />
        ) : null}
      </FieldRow>
      {draft && draft.name !== "blue_green" ? (
        <Checkbox
          label={draft.name === "canary" ? "A person advances each step" : "A person has the last word"}
          checked={draft.pause}
          onChange={(pause) => onChange({ ...draft, pause })}
        />
      ) : null}
    </>
  );
}

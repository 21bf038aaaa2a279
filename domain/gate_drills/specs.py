"""What a drill found: for each mutant, what caught it, or that it got through."""

from typing import Final, Literal

from pydantic import Field

from domain.datasets.specs import Spec

CONTROL: Final = "control"

MutantOf = Literal["model", "data"]
Outcome = Literal["caught", "held", "got_through", "harmless", "control", "not_applicable"]


class MutantReport(Spec):
    """One mutant. `held`: neither passed nor refused; `harmless`: passed, and is no worse than the control.

    `caught_by` names gates of the policy, or checks of the dataset's suite, that did not let it pass.
    """

    mutant: str
    of: MutantOf
    outcome: Outcome
    verdict: str | None = Field(description="Of the gates or of the suite; null where none was asked.")
    caught_by: list[str] = []
    figures: dict[str, float] = {}
    message: str


class DrillResult(Spec):
    """`rows` were trained on and `frozen_rows` judged on. `notes` say what limits what the drill shows."""

    rows: int
    frozen_rows: int
    data_rows: int
    mutants: list[MutantReport]
    notes: list[str] = []

    def sent(self) -> int:
        """How many mutants went before the gates: without the controls, and those that could not be made."""
        return sum(one.outcome not in {"control", "not_applicable"} for one in self.mutants)

    def through(self) -> list[str]:
        return [one.mutant for one in self.mutants if one.outcome == "got_through"]


def outcome_of(verdict: str, *, harmless: bool) -> Outcome:
    """What a mutant's verdict means. `harmless`: its metric is as good as the control's."""
    if verdict in {"pass", "warn"}:
        return "harmless" if harmless else "got_through"
    return "held" if verdict == "inconclusive" else "caught"

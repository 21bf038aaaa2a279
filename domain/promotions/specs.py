"""The policy of a model: the gates a version must pass before it may be champion, and what they came to."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from domain.datasets.specs import Name, Spec, VersionRef
from domain.model_checks.specs import Gate, ModelCheckSpec, PairedComparison, Verdict, kind_of


class ChampionGate(Gate):
    """Better than the champion on the same frozen rows, by a paired test with a minimum effect.

    `on` names the dataset that holds the frozen rows; absent, they are the candidate's own test rows
    without those the champion was trained on.
    """

    gate: Literal["champion"] = "champion"
    metric: str
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    min_effect: float = Field(default=0.01, ge=0)
    on: VersionRef | None = None


class BehaviourGate(Gate):
    """The newest version of one of the model's suites: no check of severity `error` fails."""

    gate: Literal["behaviour"] = "behaviour"
    suite: Name


def _kind_of_gate(value: Any) -> str | None:
    found = kind_of(value)
    return found if found in {"champion", "behaviour"} else "check"


GateSpec = Annotated[
    Annotated[ChampionGate, Tag("champion")]
    | Annotated[BehaviourGate, Tag("behaviour")]
    | Annotated[ModelCheckSpec, Tag("check")],
    Discriminator(_kind_of_gate),
]


class Policy(Spec):
    gates: list[GateSpec] = []
    approval: Literal["automatic", "required"] = "automatic"

    @field_validator("gates")
    @classmethod
    def _one_comparison(cls, gates: list[GateSpec]) -> list[GateSpec]:
        """The evidence holds one paired comparison, so a second champion gate would be judged by the first one's."""
        places = [place for place, gate in enumerate(gates) if isinstance(gate, ChampionGate)]
        if len(places) > 1:
            raise ValueError(f"one champion gate at most: there are gates {' and '.join(map(str, places))}")
        return gates

    def checks(self) -> list[ModelCheckSpec]:
        """The gates that are checks of one version, written into the policy itself."""
        return [gate for gate in self.gates if not isinstance(gate, ChampionGate | BehaviourGate)]

    def suites(self) -> list[str]:
        """Names of the suites that the policy asks for."""
        return [gate.suite for gate in self.gates if isinstance(gate, BehaviourGate)]


class GateVerdict(Spec):
    gate: str
    verdict: Verdict
    message: str
    details: dict[str, Any] = {}


class Evidence(Spec):
    """All that the decision rests on; immutable once recorded."""

    policy_version: int
    candidate_version: int
    champion_version: int | None
    check_report_id: str | None
    frozen_rows: str | None = Field(description="`dataset@n` and digest, or the run whose test rows were used.")
    comparison: PairedComparison | None
    missing: list[str] = Field(default=[], description="Evidence the policy asks for that is not there.")


class Decision(Spec):
    verdict: Verdict
    gates: list[GateVerdict]
    reason: str

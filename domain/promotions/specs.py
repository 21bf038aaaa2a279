"""The policy of a model: the gates a version must pass before it may be champion, and what they came to."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, field_validator

from domain.datasets.specs import Name, Spec
from domain.model_checks.specs import Gate, ModelCheckSpec, kind_of
from domain.promotions.champion import ChampionGate
from domain.promotions.evidence import Decision, Evidence, GateVerdict

# The last three are read from here by everybody else.
__all__ = ["BehaviourGate", "ChampionGate", "Decision", "Evidence", "GateSpec", "GateVerdict", "Policy"]


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

    def against_champion(self) -> ChampionGate | None:
        return next((gate for gate in self.gates if isinstance(gate, ChampionGate)), None)

    def checks(self) -> list[ModelCheckSpec]:
        """The gates that are checks of one version, written into the policy itself."""
        return [gate for gate in self.gates if not isinstance(gate, ChampionGate | BehaviourGate)]

    def suites(self) -> list[str]:
        """Names of the suites that the policy asks for."""
        return [gate.suite for gate in self.gates if isinstance(gate, BehaviourGate)]

"""What all model checks are made of: their base, severities and verdicts."""

from typing import Any, Literal

from pydantic import AliasChoices, ConfigDict, Field

from domain.datasets.specs import Spec

Verdict = Literal["pass", "fail", "inconclusive"]
Severity = Literal["error", "warn"]


class Gate(Spec):
    """What a policy asks for; its bounds are numbers that something can meet."""

    model_config = ConfigDict(allow_inf_nan=False)

    gate: str


class Check(Gate):
    """A question to one version. In a suite it is spelled `check: …`, in a policy `gate: …`; both mean the same."""

    name: str | None = Field(default=None, max_length=200, description="Shown instead of the kind.")
    severity: Severity = Field(default="error", description="A failed check of severity `warn` stops nothing.")


class RowsCheck(Check):
    """A check on frozen rows with their truth."""

    where: str | None = Field(default=None, description="Only rows for which this SQL predicate holds: `age >= 18`.")


def kind(name: str) -> Any:
    """The field that tells the checks apart."""
    return Field(default=name, validation_alias=AliasChoices("gate", "check"))

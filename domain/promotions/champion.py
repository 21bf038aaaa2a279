"""The champion gate as data: the paired test, its slices and its alpha budget. Contradictions are refused here."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from domain.datasets.specs import Name, Spec, VersionRef
from domain.model_checks.kinds import Gate
from domain.model_checks.specs import Hypothesis

MIN_EFFECT = 0.01
# The metrics that a test says something about; the others are for any metric.
_ONLY_FOR = {"mcnemar": "accuracy", "delong": "auc"}


class AlphaBudget(Spec):
    """How repeated comparisons on the same holdout share one alpha.

    `bonferroni`: each of `window` comparisons may use alpha / window; then a fresh holdout is needed. `investing`: a
    comparison that finds an improvement earns alpha back, one that does not costs some. `none`: no protection.
    """

    rule: Literal["bonferroni", "investing", "none"] = "bonferroni"
    window: int | None = Field(default=None, ge=1, le=10_000, description="Comparisons of `bonferroni`; 20 if absent.")

    @field_validator("window")
    @classmethod
    def _only_bonferroni_has_one(cls, window: int | None, info: ValidationInfo) -> int | None:
        if window is not None and info.data.get("rule", "bonferroni") != "bonferroni":
            raise ValueError(f"the rule {info.data['rule']} has no window: leave it out, or use bonferroni")
        return window

    @property
    def comparisons(self) -> int:
        return self.window or 20


class NamedSlice(Spec):
    """The rows for which an SQL predicate holds: `age < 30`."""

    name: Name
    where: str = Field(min_length=1, max_length=2_000)


class ChampionGate(Gate):
    """Better than the champion (or not worse than `margin`) on the same frozen rows, by a paired test.

    `on` names the dataset that holds the frozen rows; absent, they are the candidate's own test rows without those
    the champion was trained on. `min_effect`, `margin` and `slice_margin` are shares of the champion's value. With
    `order_by` the rows are in the order of that column of times. No slice, a value of a column or a named predicate,
    may be worse than `slice_margin`.
    """

    gate: Literal["champion"] = "champion"
    metric: str
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    require: Hypothesis = "superiority"
    min_effect: float | None = Field(default=None, ge=0, le=10, description="Of superiority; 0.01 if absent.")
    margin: float | None = Field(default=None, gt=0, lt=1, validate_default=True)
    test: Literal["auto", "mcnemar", "bootstrap", "delong", "diebold_mariano"] = "auto"
    order_by: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(default=None, validate_default=True)
    slices: list[Annotated[str, Field(min_length=1, max_length=200)] | NamedSlice] = Field(default=[], max_length=20)
    slice_margin: float | None = Field(default=None, gt=0, lt=1, validate_default=True)
    slice_min_rows: int = Field(default=30, ge=1)
    power: float = Field(default=0.8, ge=0.5, lt=1)
    budget: AlphaBudget = AlphaBudget()
    on: VersionRef | None = None

    @field_validator("min_effect")
    @classmethod
    def _of_superiority(cls, min_effect: float | None, info: ValidationInfo) -> float | None:
        if min_effect is not None and info.data.get("require") == "non_inferiority":
            raise ValueError("min_effect asks to be better and non_inferiority allows to be worse: leave one out")
        return min_effect

    @field_validator("margin")
    @classmethod
    def _of_non_inferiority(cls, margin: float | None, info: ValidationInfo) -> float | None:
        require = info.data.get("require")
        if require == "non_inferiority" and margin is None:
            raise ValueError("non_inferiority needs a margin: how much worse is still good enough")
        if require == "superiority" and margin is not None:
            raise ValueError("a margin allows to be worse and superiority asks to be better: leave one out")
        return margin

    @field_validator("test")
    @classmethod
    def _fits_the_metric(cls, test: str, info: ValidationInfo) -> str:
        only = _ONLY_FOR.get(test)
        if only is not None and info.data.get("metric", only) != only:
            raise ValueError(f"{test} tests {only}, not {info.data['metric']}: use auto or bootstrap")
        return test

    @field_validator("order_by")
    @classmethod
    def _of_times(cls, order_by: str | None, info: ValidationInfo) -> str | None:
        test = info.data.get("test", "auto")
        if test == "diebold_mariano" and order_by is None:
            raise ValueError("diebold_mariano needs order_by, the column of times")
        if test in _ONLY_FOR and order_by is not None:
            raise ValueError(f"{test} takes rows as independent and order_by says they are not: leave one out")
        return order_by

    @field_validator("slices")
    @classmethod
    def _each_once(cls, slices: list[str | NamedSlice]) -> list[str | NamedSlice]:
        names = [one if isinstance(one, str) else one.name for one in slices]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the slice {twice[0]!r} is there twice")
        return slices

    @field_validator("slice_margin")
    @classmethod
    def _with_slices(cls, margin: float | None, info: ValidationInfo) -> float | None:
        if "slices" in info.data and bool(info.data["slices"]) != (margin is not None):
            raise ValueError(
                "slices need a slice_margin: how much worse a slice may be"
                if margin is None
                else "a slice_margin without slices judges nothing: name slices, or leave it out"
            )
        return margin

    @property
    def least(self) -> float:
        """The improvement that superiority must show."""
        return MIN_EFFECT if self.min_effect is None else self.min_effect

    def question(self) -> dict[str, Any]:
        """What is asked of the rows, as JSON: the same question to the same models and rows has the same answer."""
        return self.model_dump(mode="json", exclude={"on"})

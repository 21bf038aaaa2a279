"""Recipes as data: rows of validated versions, and the steps that make a derived version of them."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from domain.datasets.spec import Name, PinnedRef, Spec, VersionRef
from domain.datasets.steps import JoinStep, RecipeStep


class RecipeSource(Spec):
    """Rows of validated versions, one below the other, taken through steps.

    A reference is `name` (its newest validated version when the job starts) or `name@number`. `where` and `unique`
    are a filter and a drop of duplicates (the last one stays) before all steps.
    """

    kind: Literal["recipe"] = "recipe"
    concat: list[VersionRef] = Field(min_length=1)
    where: str | None = Field(default=None, description="A Polars SQL expression; rows where it holds are kept.")
    unique: list[str] = Field(default=[], description="Columns that identify a row; the last one wins.")
    steps: list[RecipeStep] = Field(default=[], max_length=200)
    fit_on: PinnedRef | None = Field(
        default=None,
        description="Steps that learn do so on these rows (taken through the same steps), not on their own.",
    )

    @field_validator("fit_on")
    @classmethod
    def _something_learns(cls, fit_on: str | None, info: Any) -> str | None:
        if fit_on is not None and not any(step.learns for step in info.data.get("steps", [])):
            raise ValueError("no step of this recipe learns from rows")
        return fit_on

    def references(self) -> Iterator[tuple[str, str]]:
        """Every version the recipe speaks of, with its place: what is concatenated, joined and learned from."""
        for place, ref in enumerate(self.concat):
            yield f"concat.{place}", ref
        for place, step in enumerate(self.steps):
            if isinstance(step, JoinStep):
                yield f"steps.{place}.version", step.version
        if self.fit_on is not None:
            yield "fit_on", self.fit_on

    def referring(self, refs: Mapping[str, str]) -> dict[str, Any]:
        """The fields that change when the references at these places are other ones."""
        concat = [refs.get(f"concat.{place}", ref) for place, ref in enumerate(self.concat)]
        steps = [
            step.model_copy(update={"version": refs.get(f"steps.{place}.version", step.version)})
            if isinstance(step, JoinStep)
            else step
            for place, step in enumerate(self.steps)
        ]
        return {"concat": concat, "steps": steps}


class FittedStep(Spec):
    """What a step learned, and on the rows of which versions."""

    place: str = Field(description="Where the step stands: `steps.2`.")
    step: str
    learned_on: list[str]
    own_rows: bool = Field(description="It learned on (some of) the very rows it then changed.")
    values: dict[str, Any] = Field(description="By column.")


class BuiltRecipe(RecipeSource):
    """A recipe as it was carried out: every reference with its number, and what was learned on the way."""

    fitted: list[FittedStep] = []
    leakage: bool = Field(
        default=False,
        description="A step learned on the version's own rows: do not judge a model on it that shall not know them.",
    )
    revision: int | None = Field(default=None, description="Of the dataset's declared recipe, when that ordered it.")


class DeclaredRecipe(RecipeSource):
    """The recipe a dataset is built by, again whenever a dataset it follows has a new validated version."""

    follows: list[Name] | None = Field(
        default=None, min_length=1, max_length=100, description="Those of `concat` without a number, when absent."
    )

    def source(self) -> RecipeSource:
        """The recipe alone, as an order takes it."""
        return RecipeSource.model_validate(self.model_dump(exclude={"follows"}))

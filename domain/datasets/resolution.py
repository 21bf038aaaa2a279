"""What the references of a recipe stand for: read when a recipe is ordered, and again when it is carried out."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.datasets.models import DatasetVersion
from domain.datasets.queries import resolve
from domain.datasets.recipes import BuiltRecipe, FittedStep, RecipeSource
from domain.datasets.states import VersionState
from domain.db import AnySession
from domain.errors import Conflict, NotFound


class VersionNotValidated(Conflict):
    code = "version_not_validated"


@dataclass(frozen=True)
class ResolvedRecipe:
    """A recipe with a number on every reference, and the version behind each of them."""

    recipe: RecipeSource
    versions: dict[str, DatasetVersion]

    @property
    def parents(self) -> list[DatasetVersion]:
        """Every version that rows or numbers come from, once."""
        return list({version.id: version for version in self.versions.values()}.values())

    def built(self, lessons: Sequence[tuple[str, str, dict[str, object]]], revision: int | None = None) -> BuiltRecipe:
        """The recipe as it was carried out, with what each step (its place and kind) learned, by column.

        A step learned on its own rows unless `fit_on` names a version that none of them are from.
        """
        fit_on, own = self.recipe.fit_on, self.recipe.concat
        own_rows = fit_on is None or fit_on in own
        learned_on = own if fit_on is None else [fit_on]
        return BuiltRecipe(
            **dict(self.recipe),
            fitted=[
                FittedStep(place=place, step=step, learned_on=learned_on, own_rows=own_rows, values=values)
                for place, step, values in lessons
            ],
            leakage=bool(lessons) and own_rows,
            revision=revision,
        )


def resolve_recipe(session: AnySession, recipe: RecipeSource) -> ResolvedRecipe:
    """The recipe with the versions its references mean now; `VersionNotValidated` for one that is not validated."""
    versions: dict[str, DatasetVersion] = {}
    refs: dict[str, str] = {}
    for place, ref in recipe.references():
        try:
            version = resolve(session, ref)
        except (NotFound, Conflict) as error:
            raise type(error)(error.message, where=f"source.{place}", fix=error.fix) from error
        if version.state != VersionState.VALIDATED:
            what = f"Version {version.number} of {version.dataset.name!r} is {version.state}, not validated."
            raise VersionNotValidated(what, where=f"source.{place}", fix="Wait for its checks, or use another version.")
        refs[place] = f"{version.dataset.name}@{version.number}"
        versions[refs[place]] = version
    return ResolvedRecipe(recipe.model_copy(update=recipe.referring(refs)), versions)

"""A recipe carried out for a worker: its references resolved, their tables opened, what was learned put on record."""

from dataclasses import dataclass

import polars as pl

from domain.datasets.models import DatasetVersion
from domain.datasets.recipes import BuiltRecipe
from domain.datasets.resolution import resolve_recipe
from domain.datasets.specs import RecipeSource
from ml.recipes.build import build
from workers.tables import read_version
from workers.toolbox import Toolbox


@dataclass(frozen=True)
class BuiltRows:
    """The rows, the recipe as it turned out, and the versions that rows or numbers are from."""

    rows: pl.DataFrame
    source: BuiltRecipe
    parents: list[DatasetVersion]


def carry_out(tools: Toolbox, recipe: RecipeSource, revision: int | None = None) -> BuiltRows:
    """Raises what `resolve_recipe`, `read_version` and `build` raise. Each version is read once."""
    with tools.runtime.reading() as session:
        resolved = resolve_recipe(session, recipe)
    numbered = resolved.recipe
    tables = {ref: read_version(tools, version) for ref, version in resolved.versions.items()}
    built = build(
        [tables[ref] for ref in numbered.concat],
        numbered,
        others=tables,
        training=tables[numbered.fit_on] if numbered.fit_on else None,
    )
    lessons = [(lesson.place, lesson.step, lesson.values) for lesson in built.lessons]
    return BuiltRows(built.rows, resolved.built(lessons, revision), resolved.parents)

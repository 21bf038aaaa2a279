"""Declared recipes: which recipe a dataset is built by, and which datasets it follows. Called by routes and reactions.

A dataset that follows another is built when that one has a new validated version (`domain.datasets.reactions`).
"""

from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import delete, select

from domain.datasets.events import DatasetRecipeChanged, DatasetRecipeWithdrawn
from domain.datasets.models import Dataset, DatasetFollow, DatasetRecipe, DatasetRecipePin, DatasetVersion
from domain.datasets.queries import get_dataset, resolve
from domain.datasets.recipes import DeclaredRecipe
from domain.db import AnySession, WriteSession, locked, new_id
from domain.errors import Conflict, Invalid, NotFound
from domain.events.service import emit


class NoRecipe(NotFound):
    code = "no_recipe"


class FollowsInVain(Invalid):
    """A new version of a dataset could not change anything: the recipe does not take its newest one."""

    code = "follows_in_vain"


class RecipeCycle(Conflict):
    """Datasets that follow each other in a circle would be built for ever."""

    code = "recipe_cycle"


@dataclass(frozen=True)
class CurrentRecipe:
    """The recipe that counts now, with the number of its revision: 0 before the first; none once it is withdrawn."""

    number: int
    recipe: DeclaredRecipe | None


def recipe_of(session: AnySession, dataset: Dataset) -> CurrentRecipe:
    query = select(DatasetRecipe).where(DatasetRecipe.dataset_id == dataset.id)
    row = session.scalar(query.order_by(DatasetRecipe.number.desc()).limit(1))
    if row is None:
        return CurrentRecipe(0, None)
    return CurrentRecipe(row.number, None if row.recipe is None else DeclaredRecipe.model_validate(row.recipe))


def get_recipe(session: AnySession, dataset: Dataset) -> tuple[int, DeclaredRecipe]:
    """Revision and recipe; `NoRecipe` when the dataset is built by none."""
    current = recipe_of(session, dataset)
    if current.recipe is None:
        raise NoRecipe(f"The dataset {dataset.name!r} has no recipe.", where="name", fix="Declare one with PUT.")
    return current.number, current.recipe


def followers_of(session: AnySession, name: str) -> list[Dataset]:
    """The datasets, archived ones left out, that are built anew when `name` has a new version."""
    followed = select(Dataset.id).where(Dataset.name == name).scalar_subquery()
    query = select(Dataset).join(DatasetFollow, DatasetFollow.dataset_id == Dataset.id)
    query = query.where(DatasetFollow.followed_id == followed, Dataset.archived_at.is_(None))
    return list(session.scalars(query.order_by(Dataset.id)))


def lock(session: WriteSession, name: str, recipe: DeclaredRecipe) -> Dataset:
    """The dataset, locked with every one that follows or is followed: declarations come one after the other.

    Two that close a circle between them share a dataset, and in one order they cannot wait for each other.
    """
    related = select(DatasetFollow.dataset_id).union(select(DatasetFollow.followed_id))
    names = {name, *(ref.partition("@")[0] for _, ref in recipe.references())}
    query = select(Dataset).where(Dataset.id.in_(related) | Dataset.name.in_(names)).order_by(Dataset.id)
    session.scalars(locked(query)).all()
    return get_dataset(session, name)


def declare(session: WriteSession, *, dataset: Dataset, recipe: DeclaredRecipe) -> CurrentRecipe:
    """Make `recipe` the one that `dataset` (from `lock`) is built by. The same again is no news.

    What it names must be there, validated or not yet. Raises `UnknownDataset`, `UnknownVersion`, `FollowsInVain` or
    `RecipeCycle`.
    """
    pinned = _checked_references(session, recipe)
    followed = [get_dataset(session, name) for name in _followed(dataset, recipe)]
    recipe = recipe.model_copy(update={"follows": [other.name for other in followed]})
    _refuse_cycle(session, dataset, followed)
    current = recipe_of(session, dataset)
    if current.recipe == recipe:
        return current
    number = _add_revision(session, dataset, current.number + 1, recipe)
    session.add_all(DatasetFollow(dataset_id=dataset.id, followed_id=other.id) for other in followed)
    session.add_all(
        DatasetRecipePin(id=new_id(), dataset_id=dataset.id, version_id=version_id) for version_id in sorted(pinned)
    )
    session.flush()
    subject, follows = f"datasets/{dataset.name}", list(recipe.follows or [])
    emit(session, DatasetRecipeChanged(subject=subject, name=dataset.name, number=number, follows=follows))
    return CurrentRecipe(number, recipe)


def withdraw(session: WriteSession, *, dataset: Dataset) -> None:
    """Build `dataset` (locked) by no recipe from now on; its revisions go on counting. `NoRecipe` if it has none."""
    number, _ = get_recipe(session, dataset)
    number = _add_revision(session, dataset, number + 1, None)
    emit(session, DatasetRecipeWithdrawn(subject=f"datasets/{dataset.name}", name=dataset.name, number=number))


def _add_revision(session: WriteSession, dataset: Dataset, number: int, recipe: DeclaredRecipe | None) -> int:
    """A new revision; what the last one followed and pinned is let go."""
    session.execute(delete(DatasetFollow).where(DatasetFollow.dataset_id == dataset.id))
    session.execute(delete(DatasetRecipePin).where(DatasetRecipePin.dataset_id == dataset.id))
    row = DatasetRecipe(
        id=new_id(),
        dataset_id=dataset.id,
        number=number,
        recipe=None if recipe is None else recipe.as_json(),
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(row)
    session.flush()
    return number


def _checked_references(session: AnySession, recipe: DeclaredRecipe) -> set[str]:
    """The ids of the versions that are named by their numbers; a name alone must be a dataset's."""
    pinned: set[str] = set()
    for place, ref in recipe.references():
        try:
            if "@" in ref:
                pinned.add(resolve(session, ref).id)
            else:
                get_dataset(session, ref)
        except NotFound as absent:
            raise type(absent)(absent.message, where=place, fix=absent.fix) from absent
    return pinned


def _followed(dataset: Dataset, recipe: DeclaredRecipe) -> list[str]:
    """The names to follow, each once: the given ones, or those of `concat` that are not tied to a number."""
    loose = [ref for place, ref in recipe.references() if "@" not in ref]
    if recipe.follows is None:
        names = [ref for ref in recipe.concat if "@" not in ref and ref != dataset.name]
        if not names:
            what = "Every source of this recipe is tied to a version: no new version would change anything."
            fix = "Name a dataset without a number."
            raise FollowsInVain(what, where="concat", fix=fix)
        return list(dict.fromkeys(names))
    for place, name in enumerate(recipe.follows):
        if name not in loose:
            what = f"The recipe does not take the newest version of {name!r}."
            fix = f"Name {name} without a number in concat or in a join, or do not follow it."
            raise FollowsInVain(what, where=f"follows.{place}", fix=fix)
    return list(dict.fromkeys(recipe.follows))


def _refuse_cycle(session: AnySession, dataset: Dataset, followed: list[Dataset]) -> None:
    """Look along what the followed datasets follow themselves; nobody may come back to `dataset`."""
    paths = [[dataset.name, other.name] for other in followed]
    seen = {other.name for other in followed}
    while paths:
        path = paths.pop()
        if path[-1] == dataset.name:
            circle = ", ".join(f"{one!r} follows {other!r}" for one, other in pairwise(path))
            raise RecipeCycle(
                f"Each build would set off the next: {circle}.",
                where="follows",
                fix="Tie one of them to a version, or leave it out of follows.",
            )
        query = select(Dataset.name).join(DatasetFollow, DatasetFollow.followed_id == Dataset.id)
        query = query.where(
            DatasetFollow.dataset_id == select(Dataset.id).where(Dataset.name == path[-1]).scalar_subquery()
        )
        for name in session.scalars(query.order_by(Dataset.name)):
            if name == dataset.name or name not in seen:
                seen.add(name)
                paths.append([*path, name])


def set_off_by(recipe: DeclaredRecipe, version: DatasetVersion) -> DeclaredRecipe:
    """The recipe with `version` in place of its dataset's newest one: what is built after it is built from it."""
    name = version.dataset.name
    refs = {place: f"{name}@{version.number}" for place, ref in recipe.references() if ref == name}
    return recipe.model_copy(update=recipe.referring(refs))

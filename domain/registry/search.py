"""Search over models and their versions: filters as people write them, and the queries they make.

Tags and metrics are JSON on the row, read by the database itself: a search looks at every version that the other
filters leave (reading the JSON of 10,000 took SQLite 2 ms), which is cheaper than a second table to keep in step.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from math import isfinite
from operator import eq, ge, gt, le, lt
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, exists, func, or_, select

from domain.datasets.models import Dataset, DatasetVersion
from domain.datasets.spec import NAME_PATTERN
from domain.db import AnySession
from domain.errors import Invalid
from domain.experiments.models import Run
from domain.pages import Page, PageRequest, paginate
from domain.registry.metrics import METRICS
from domain.registry.models import ModelAlias, ModelVersion, RegisteredModel
from domain.registry.specs import TAG_KEY, Task
from domain.registry.states import VersionState

T = TypeVar("T")

_METRIC = re.compile(r"^([a-z][a-z0-9_]{0,40})\s*(<=|>=|<|>|=)\s*(\S{1,40})$")
_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}
_KNOWN = frozenset({*(name for names in METRICS.values() for name in names), "loss"})
_PARTS = ("test_", "validation_", "train_")


class BadFilter(Invalid):
    """A filter that cannot be read; `where` is its name."""

    code = "bad_filter"


class ModelSort(StrEnum):
    """The orders a list of models can be had in."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"


class VersionSort(StrEnum):
    """The orders a list of versions of all models can be had in."""

    NEWEST = "-created_at"
    OLDEST = "created_at"


def search_models(
    session: AnySession,
    page: PageRequest,
    *,
    q: str | None = None,
    tags: Sequence[str] = (),
    task: Task | None = None,
    owner: str | None = None,
    sort: ModelSort = ModelSort.NEWEST,
) -> Page[RegisteredModel]:
    """Models for which every filter holds. `q` is in the name, the description or the target, in any case."""
    query = select(RegisteredModel)
    if q is not None:
        query = query.where(_says(q, RegisteredModel.name, RegisteredModel.description, RegisteredModel.target))
    if task is not None:
        query = query.where(RegisteredModel.task == task)
    if owner is not None:
        query = query.where(RegisteredModel.created_by == owner)
    query = _tagged(query, RegisteredModel.tags, tags)
    if sort == ModelSort.NAME:
        return paginate(session, query, page, key=RegisteredModel.name, descending=False)
    return paginate(session, query, page, key=RegisteredModel.id, descending=sort == ModelSort.NEWEST)


def search_versions(
    session: AnySession,
    page: PageRequest,
    *,
    q: str | None = None,
    tags: Sequence[str] = (),
    state: VersionState | None = None,
    alias: str | None = None,
    metrics: Sequence[str] = (),
    dataset: str | None = None,
    trainer: str | None = None,
    archived: bool = False,
    sort: VersionSort = VersionSort.NEWEST,
) -> Page[ModelVersion]:
    """Versions of all models for which every filter holds; archived ones only when asked for.

    `q` is in the model's name or the version's description; a metric without a part (`mae<40`) is that on test rows.
    """
    query = select(ModelVersion).join(RegisteredModel, RegisteredModel.id == ModelVersion.model_id)
    query = query.join(Run, Run.id == ModelVersion.run_id)
    if q is not None:
        query = query.where(_says(q, RegisteredModel.name, ModelVersion.description))
    if state is not None:
        query = query.where(ModelVersion.state == state)
    elif not archived:
        query = query.where(ModelVersion.state != VersionState.ARCHIVED)
    if alias is not None:
        query = query.where(exists().where(ModelAlias.version_id == ModelVersion.id, ModelAlias.alias == alias))
    if trainer is not None:
        query = query.where(Run.trainer == trainer)
    if dataset is not None:
        query = query.where(_trained_on(dataset))
    for metric in metrics:
        query = query.where(_measured(metric))
    query = _tagged(query, ModelVersion.tags, tags)
    return paginate(session, query, page, key=ModelVersion.id, descending=sort == VersionSort.NEWEST)


def _says(words: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(func.lower(column).contains(words.lower(), autoescape=True) for column in columns))


def _tagged(query: Select[T], column: Any, tags: Sequence[str]) -> Select[T]:
    for tag in tags:
        key, colon, value = tag.partition(":")
        if not colon or not re.fullmatch(TAG_KEY, key):
            raise BadFilter(f"{tag[:80]!r} is not a tag.", where="tag", fix="Write it as key:value, like team:rides.")
        query = query.where(column[key].as_string() == value)
    return query


def _trained_on(ref: str) -> ColumnElement[bool]:
    """Trained on a version of the dataset `NAME`, or on the version `NAME@n`."""
    name, at, number = ref.partition("@")
    if not re.fullmatch(NAME_PATTERN, name) or (at and not re.fullmatch(r"[1-9][0-9]{0,8}", number)):
        raise BadFilter(f"{ref[:80]!r} names no dataset.", where="dataset", fix="Write NAME, or NAME@n for a version.")
    trained = (
        select(DatasetVersion.id).join(Dataset, Dataset.id == DatasetVersion.dataset_id).where(Dataset.name == name)
    )
    if number:
        trained = trained.where(DatasetVersion.number == int(number))
    return Run.dataset_version_id.in_(trained)


def _measured(text: str) -> ColumnElement[bool]:
    fix = "Write it as mae<40, train_rmse>=1 or r2>0.5."
    matched = _METRIC.fullmatch(text)
    if matched is None:
        raise BadFilter(f"{text[:80]!r} is not a comparison of a metric.", where="metric", fix=fix)
    name, sign, written = matched.groups()
    part = next((one for one in _PARTS if name.startswith(one)), "")
    bare = name.removeprefix(part)
    if bare not in _KNOWN:
        near = get_close_matches(bare, _KNOWN, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(sorted(_KNOWN))}."
        raise BadFilter(f"There is no metric {bare!r}.", where="metric", fix=hint)
    try:
        bound = float(written)
    except ValueError:
        bound = float("nan")
    if not isfinite(bound):
        raise BadFilter(f"{written!r} is not a number.", where="metric", fix=fix)
    compared: ColumnElement[bool] = _COMPARE[sign](ModelVersion.metrics[f"{part or 'test_'}{bare}"].as_float(), bound)
    return compared

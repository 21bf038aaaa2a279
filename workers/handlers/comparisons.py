"""Jobs of comparisons: score every version on every subset of every dataset version."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.comparisons import service
from domain.comparisons.jobs import CompareVersions
from domain.comparisons.models import VersionComparison
from domain.comparisons.queries import get_comparison
from domain.comparisons.specs import Cell, ComparedData, ComparedVersion, ComparisonResult, Pair
from domain.datasets.queries import get_version_by_id as get_dataset_version
from domain.errors import DomainError, Invalid, Unavailable
from domain.experiments.models import Run
from domain.registry.models import RegisteredModel
from domain.registry.queries import get_version_by_id
from domain.registry.specs import Label, Task
from ml.comparison.compare import compare
from ml.estimates import interval
from ml.metrics import find_metric
from ml.models import Predictions
from ml.predicates import row_predicate
from serving.engine import Engine
from workers.run import RunningJob
from workers.scoring import engine, score, seen_rows
from workers.tables import read_version
from workers.toolbox import Toolbox

Mask = NDArray[np.bool_]
_ALPHA = 0.05


@dataclass(frozen=True)
class _Contender:
    """A version and what is needed to score it fairly."""

    ref: str
    package: str
    columns: list[str]
    train_inputs: str


@dataclass(frozen=True)
class _Scored:
    """The answers of one version for a whole table, and which of its rows the version was trained on."""

    answers: Predictions
    seen: Mask


@dataclass(frozen=True)
class _Table:
    """The rows of one dataset version that have their truth, and what is asked about them."""

    ref: str
    frame: pl.DataFrame
    task: Task
    target: str
    metric: str

    def truth(self, rows: NDArray[np.int64]) -> list[Label]:
        labels: list[Label] = self.frame[self.target][rows].to_list()
        return labels


class LacksTarget(Invalid):
    """The rows do not have the column that the models predict."""

    code = "lacks_target"


def compare_versions(job: RunningJob[CompareVersions], tools: Toolbox) -> dict[str, int]:
    """A cell that cannot be scored says why, and does not keep the others from theirs."""
    with tools.runtime.reading() as session:
        comparison = get_comparison(session, job.spec.comparison_id)
    contenders = _contenders(tools, comparison)
    cells: list[Cell] = []
    pairs: list[Pair] = []
    data = [ComparedData.model_validate(one) for one in comparison.datasets]
    with engine(tools) as models:
        for number, one in enumerate(data):
            job.progress(number / len(data), f"scoring {len(contenders)} versions on {one.ref}")
            found = _score_data(tools, models, one, comparison, contenders)
            cells += found.cells
            pairs += found.pairs
    for cell in cells:
        if cell.problem:
            job.log(f"{cell.version} on {cell.dataset}: {cell.problem}", level="warning")
    with job.transaction() as session:
        service.record(session, comparison_id=comparison.id, result=ComparisonResult(cells=cells, pairs=pairs))
    return {"cells": len(cells), "problems": sum(cell.value is None for cell in cells)}


def _contenders(tools: Toolbox, comparison: VersionComparison) -> list[_Contender]:
    found = []
    with tools.runtime.reading() as session:
        for one in map(ComparedVersion.model_validate, comparison.versions):
            version = get_version_by_id(session, one.version_id)
            run = session.get_one(Run, version.run_id)
            inputs = [column["name"] for column in run.package["signature"]["inputs"]]
            found.append(_Contender(one.ref, version.package_digest, inputs, run.train_inputs_md5))
    return found


def _score_data(
    tools: Toolbox, models: Engine, data: ComparedData, comparison: VersionComparison, contenders: list[_Contender]
) -> ComparisonResult:
    """Every version answers once for the whole table; subsets are taken from that."""
    subsets: list[str | None] = [None, *comparison.where]
    with tools.runtime.reading() as session:
        model = session.get_one(RegisteredModel, comparison.model_id)
    try:
        frame = _table(tools, data, model.target)
    except Unavailable:
        raise
    except DomainError as error:
        cells = [
            Cell(version=one.ref, dataset=data.ref, where=subset, problem=error.message)
            for one in contenders
            for subset in subsets
        ]
        return ComparisonResult(cells=cells, pairs=[])
    table = _Table(data.ref, frame, model.task, model.target, comparison.metric)
    scored = {one.ref: _scored(tools, models, one, table) for one in contenders}
    cells, pairs = [], []
    for subset in subsets:
        kept = _kept(frame, subset)
        cells += [_cell(table, subset, kept, one.ref, scored[one.ref]) for one in contenders]
        if len(contenders) == 2:
            pairs.append(_pair(table, subset, kept, scored))
    return ComparisonResult(cells=cells, pairs=pairs)


def _table(tools: Toolbox, data: ComparedData, target: str) -> pl.DataFrame:
    """The rows that have their truth."""
    with tools.runtime.reading() as session:
        version = get_dataset_version(session, data.version_id)
    frame = read_version(tools, version).collect()
    if target not in frame.columns:
        raise LacksTarget(f"{data.ref} has no column {target!r}, which the models predict.", where="datasets")
    return frame.filter(pl.col(target).is_not_null())


def _scored(tools: Toolbox, models: Engine, one: _Contender, table: _Table) -> _Scored | str:
    """The answers, or why there are none."""
    frame = table.frame
    lacking = [name for name in one.columns if name not in frame.columns]
    if lacking:
        return f"The rows lack {', '.join(lacking)}, which the version needs."
    if frame.is_empty():
        return "No row has its truth."
    try:
        seen = seen_rows(tools, frame, one.columns, one.train_inputs)
        return _Scored(score(models.load(one.package), frame), seen)
    except Unavailable:
        raise
    except DomainError as error:
        return f"The rows could not be scored: {error.message}"


def _kept(frame: pl.DataFrame, where: str | None) -> Mask | str:
    """The rows of a subset, or why there are none."""
    if where is None:
        return np.ones(frame.height, dtype=bool)
    try:
        predicate = row_predicate(where, frame.lazy())
    except DomainError as error:
        return error.message
    return frame.select(predicate.fill_null(value=False).alias("kept"))["kept"].to_numpy().astype(bool)


def _cell(table: _Table, where: str | None, kept: Mask | str, ref: str, scored: _Scored | str) -> Cell:
    cell = Cell(version=ref, dataset=table.ref, where=where)
    if isinstance(kept, str) or isinstance(scored, str):
        return cell.model_copy(update={"problem": kept if isinstance(kept, str) else scored})
    rows = np.flatnonzero(kept & ~scored.seen)
    cell = cell.model_copy(update={"rows": len(rows), "rows_excluded": int((kept & scored.seen).sum())})
    if not len(rows):
        why = "No row is left that the version was not trained on." if kept.any() else "No row is in this subset."
        return cell.model_copy(update={"problem": why})
    metric = find_metric(table.metric, table.task)
    truth, answers = table.truth(rows), scored.answers.take(rows)
    try:
        value = metric.compute(truth, answers)
    except DomainError as error:
        return cell.model_copy(update={"problem": error.message})
    if not np.isfinite(value):
        return cell.model_copy(update={"problem": f"{metric.name} is not defined on these rows."})
    low, high = interval(metric, truth, answers, value) or (None, None)
    digest = blake2b(rows.astype("<i8").tobytes(), digest_size=16).hexdigest()
    return cell.model_copy(update={"value": value, "low": low, "high": high, "rows_digest": digest})


def _pair(table: _Table, where: str | None, kept: Mask | str, scored: dict[str, _Scored | str]) -> Pair:
    (first, ours), (second, theirs) = scored.items()
    pair = Pair(champion=first, challenger=second, dataset=table.ref, where=where)
    if isinstance(kept, str) or isinstance(ours, str) or isinstance(theirs, str):
        return pair.model_copy(update={"problem": next(one for one in (kept, ours, theirs) if isinstance(one, str))})
    seen = ours.seen | theirs.seen
    rows = np.flatnonzero(kept & ~seen)
    try:
        found = compare(
            table.metric,
            table.truth(rows),
            ours.answers.take(rows),
            theirs.answers.take(rows),
            task=table.task,
            alpha=_ALPHA,
            min_effect=0.0,
            rows_excluded=int((kept & seen).sum()),
        )
    except DomainError as error:
        return pair.model_copy(update={"problem": error.message})
    return pair.model_copy(update={"comparison": found})

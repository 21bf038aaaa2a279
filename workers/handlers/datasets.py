"""Jobs of datasets: build a version from a recipe or from traffic, compare two versions."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from domain.contents.service import hold
from domain.datasets import queries, service, storage
from domain.datasets.jobs import BuildVersion, DiffVersions
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import DatasetVersion
from domain.datasets.specs import BuiltRecipe, GitSource, Provenance, RecipeSource, TrafficSource
from domain.errors import Conflict
from domain.monitoring.queries import TruthValue, truth_of
from ml.diff import diff
from ml.frames import EmptyTable, write_parquet
from ml.recipes.traffic import join_truth
from workers.git_import import build_from_git
from workers.recipes import carry_out
from workers.run import RunningJob
from workers.tables import open_table
from workers.toolbox import Toolbox
from workers.traffic import list_segments, read_segments

_MEASURED_AT_ONCE = 10
_Built = tuple[pl.DataFrame, Provenance, list[DatasetVersion]]


def build_version(job: RunningJob[BuildVersion], tools: Toolbox) -> dict[str, object]:
    """Make the rows, store them as Parquet, and record their version; equal rows are the version that is there."""
    spec = job.spec
    source = spec.source
    job.stage("read")
    if isinstance(source, GitSource):
        return build_from_git(job, tools, source)
    if isinstance(source, RecipeSource):
        rows, provenance, parents = _from_recipe(job, tools, source)
    else:
        rows, provenance, parents = _from_traffic(tools, source)
    job.stage("write")
    job.progress(0.7, f"writing {rows.height:,} rows")
    with TemporaryDirectory(dir=tools.scratch) as folder:
        path = Path(folder, f"{spec.dataset}.parquet")
        write_parquet(rows, path)
        stored = tools.runtime.contents.add_file(path)
    entry = ManifestEntry(path.name, stored.md5, stored.size)
    job.stage("record")
    with job.transaction() as session:
        hold(session, [entry.md5])
        version = service.record_build(
            session,
            job_id=job.id,
            dataset=spec.dataset,
            entries=[entry],
            rows=rows.height,
            source=provenance,
            message=spec.message,
            parents=parents,
            after=queries.get_version_by_id(session, spec.after_id) if spec.after_id else None,
        )
        result: dict[str, object] = {"dataset": spec.dataset, "number": version.number, "version_id": version.id}
        if isinstance(provenance, BuiltRecipe) and provenance.fitted:
            result["fitted"] = [step.place for step in provenance.fitted]
            result["leakage"] = provenance.leakage
        return result


def diff_versions(job: RunningJob[DiffVersions], tools: Toolbox) -> None:
    """Compare two versions and keep the answer."""
    with tools.runtime.reading() as session:
        before = queries.get_version_by_id(session, job.spec.before_id)
        after = queries.get_version_by_id(session, job.spec.after_id)
    if (before.format == "folder") != (after.format == "folder"):
        raise Incomparable(
            f"Version {before.number} is a {_kind(before)} and {after.number} a {_kind(after)}.", where="against"
        )
    job.stage("compare")
    with open_table(tools, before) as old, open_table(tools, after) as new:
        change = diff(old, new, before.number, after.number, job.spec.key)
    job.stage("record")
    with job.transaction() as session:
        service.record_diff(session, before_id=before.id, after_id=after.id, diff=change)


class Incomparable(Conflict):
    """One version is a table and the other a folder of files."""

    code = "incomparable"


def _kind(version: DatasetVersion) -> str:
    return "folder" if version.format == "folder" else "table"


def _from_recipe(job: RunningJob[BuildVersion], tools: Toolbox, recipe: RecipeSource) -> _Built:
    built = carry_out(tools, recipe, job.spec.revision)
    if built.source.leakage:
        steps = ", ".join(f"{step.place} ({step.step})" for step in built.source.fitted)
        job.log(f"learned on the rows themselves: {steps}; say fit_on: NAME@n to learn on another version")
    return built.rows, built.source, built.parents


def _from_traffic(tools: Toolbox, source: TrafficSource) -> _Built:
    """The recorded predictions that have their ground truth by now, the newest `last_rows` of them."""
    models = tools.runtime.models
    predictions = read_segments(models, [segment.key for segment in list_segments(models, source.endpoint)])
    if predictions.is_empty():
        raise EmptyTable(f"The endpoint {source.endpoint!r} has no recorded predictions.", where="source.endpoint")
    with tools.runtime.reading() as session:
        truth = truth_of(session, source.endpoint, predictions["id"].to_list())
    rows = join_truth(predictions, _truth_table(truth), source.target)
    return rows.tail(source.last_rows) if source.last_rows else rows, source, []


def _truth_table(truth: dict[str, TruthValue]) -> pl.DataFrame:
    """Ids and values as columns; values of more than one kind become text, integers beside floats become floats."""
    kinds = {type(value) for value in truth.values()}
    mixed = len(kinds) > 1 and not kinds <= {int, float}
    values = [str(value) for value in truth.values()] if mixed else list(truth.values())
    return pl.DataFrame({"id": pl.Series(list(truth), dtype=pl.String), "value": pl.Series(values, strict=False)})


def measure_versions(tools: Toolbox) -> None:
    """A chore: find out what new versions added to the store, a few at a time."""
    with tools.runtime.reading() as session:
        measured = {one: storage.measure(session, one) for one in storage.unmeasured(session, limit=_MEASURED_AT_ONCE)}
    if measured:
        with tools.runtime.transaction() as session:
            for version_id, stored_size in measured.items():
                storage.keep_measure(session, version_id=version_id, stored_size=stored_size)

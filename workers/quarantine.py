"""The split of a version into clean and failing rows, read and stored. Called by the handler of `QuarantineRows`."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from domain.data_checks import quarantine
from domain.data_checks.jobs import QuarantineRows
from domain.data_checks.quarantine import NothingClean, NothingFails, Part
from domain.datasets import queries as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import DatasetVersion
from ml.frames import BadColumns, write_parquet
from ml.quarantine import split
from workers.tables import read_version
from workers.toolbox import Toolbox


@dataclass(frozen=True)
class SplitVersion:
    """The two parts in the store, and how many rows failed each check."""

    version: DatasetVersion
    clean: Part
    failing: Part
    counts: dict[str, int]


def split_version(tools: Toolbox, order: QuarantineRows) -> SplitVersion:
    """Raises `NothingFails`, `NothingClean`, or `BadColumns` when the table has the column for the checks' names."""
    with tools.runtime.reading() as session:
        version = datasets.get_version_by_id(session, order.version_id)
        report = quarantine.get_report(session, order.report_id)
        checks = list(quarantine.failing_checks(report, warnings=order.warnings))
    frame = read_version(tools, version)
    if order.column in frame.collect_schema():
        what = f"The table has a column {order.column!r} already."
        raise BadColumns(what, where="column", fix="Name another column for the failed checks.")
    parts = split(frame, checks, order.column)
    ref = f"{version.dataset.name}@{version.number}"
    if parts.failing.is_empty():
        raise NothingFails(f"No row of {ref} fails {', '.join(name for name, _ in checks)}.", where="version")
    if parts.clean.is_empty():
        fix = "Look at the checks: rows are left as they are."
        raise NothingClean(f"Every row of {ref} fails {', '.join(parts.counts)}.", where="version", fix=fix)
    return SplitVersion(
        version, _store(tools, order.clean, parts.clean), _store(tools, order.failing, parts.failing), parts.counts
    )


def _store(tools: Toolbox, dataset: str, rows: pl.DataFrame) -> Part:
    with TemporaryDirectory(dir=tools.scratch) as folder:
        path = Path(folder, f"{dataset}.parquet")
        write_parquet(rows, path)
        stored = tools.runtime.contents.add_file(path)
    return Part(dataset, ManifestEntry(path.name, stored.md5, stored.size), rows.height)

"""Jobs of batch predictions: score what no attempt has scored yet, chunk by chunk, and put the parts together."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from adapters.spark import Spark
from domain.batch_predictions import service
from domain.batch_predictions.columns import ERROR, answer_columns
from domain.batch_predictions.jobs import PredictBatch
from domain.batch_predictions.queries import get_batch, parts_of
from domain.batch_predictions.specs import BadRow, BatchAsk
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import get_dataset, get_version_by_id
from domain.errors import Invalid
from domain.registry.models import ModelVersion
from domain.registry.specs import Signature
from ml.frames import write_parquet, write_pieces
from serving.packages import PackageCache
from workers.batch_scoring import Scorer, SparkScorer, answered
from workers.packages import open_safely
from workers.run import RunningJob
from workers.tables import open_table
from workers.toolbox import Toolbox

# A value in memory, in its column, as a feed of the model and in the part that is written; text takes that much.
_BYTES_PER_VALUE = 1024
_MOST_ROWS = 50_000
# Spark is handed more at once: sharing a chunk out takes it seconds.
_ROWS_ON_SPARK = 500_000


class UnfitRow(Invalid):
    """A row that the model cannot take, in a batch that was asked to fail at one."""

    code = "unfit_row"


@dataclass(frozen=True)
class _Case:
    """Everything the database says about a batch, read at once. `start` is the first row that is not scored."""

    ask: BatchAsk
    data: DatasetVersion
    package: str
    signature: Signature
    done: bool
    start: int


def predict_batch(job: RunningJob[PredictBatch], tools: Toolbox) -> dict[str, object]:
    """An attempt goes on behind the parts of those before it; each part is recorded as soon as it is in the store."""
    batch_id = job.spec.batch_id
    with tools.runtime.reading() as session:
        batch = get_batch(session, batch_id)
        version = session.get_one(ModelVersion, batch.model_version_id)
        case = _Case(
            ask=BatchAsk.model_validate(batch.ask),
            data=get_version_by_id(session, batch.dataset_version_id),
            package=version.package_digest,
            signature=service.signature_of(session, version),
            done=batch.output_version_id is not None,
            start=sum(part.rows for part in parts_of(session, batch_id)),
        )
    if not case.done:
        _score(job, tools, case)
        entry = _put_together(job, tools, case)
        job.stage("record")
        with job.transaction() as session:
            service.record(session, batch_id=batch_id, entry=entry)
    with tools.runtime.reading() as session:
        batch = get_batch(session, batch_id)
        output = get_version_by_id(session, batch.output_version_id or "")
        return {
            "batch_id": batch_id,
            "dataset": output.dataset.name,
            "number": output.number,
            "version_id": output.id,
            "rows": batch.rows,
            "bad_rows": batch.bad_rows,
        }


def _score(job: RunningJob[PredictBatch], tools: Toolbox, case: _Case) -> None:
    job.stage("score")
    with open_table(tools, case.data) as table:
        columns = table.collect_schema().names()
        with tools.runtime.reading() as session:
            kept = service.written_columns(
                session, get_dataset(session, case.ask.into), columns, case.signature, case.ask
            )
        wanted = table.select(list(dict.fromkeys([*kept, *(column.name for column in case.signature.inputs)])))
        total = table.select(pl.len()).collect().item()
        at_once = _rows_at_once(tools.runtime.settings.memory_limit_bytes, len(wanted.collect_schema()))
        if case.ask.engine == "spark":
            at_once = _ROWS_ON_SPARK
        if case.start:
            job.log(f"{case.start:,} rows were scored by an attempt before this one")
        with _scorer(tools, case) as scored:
            for start in range(case.start, total, at_once):
                chunk = wanted.slice(start, at_once).collect()
                answers = scored(chunk)
                if case.ask.on_bad_row == "fail":
                    _refuse_bad_rows(start, answers)
                shown = answers.select(answer_columns(case.signature, case.ask))
                rows = chunk.with_columns(shown.get_columns()).select(*kept, *shown.columns)
                _keep(job, tools, start, rows, answers)
                done = start + chunk.height
                job.progress(0.9 * done / total, f"{done:,} of {total:,} rows")


def _rows_at_once(memory: int, columns: int) -> int:
    return max(1, min(_MOST_ROWS, memory // (_BYTES_PER_VALUE * columns)))


@contextmanager
def _scorer(tools: Toolbox, case: _Case) -> Iterator[Scorer]:
    if case.ask.engine == "spark":
        directory, _ = PackageCache(tools.runtime.models, tools.scratch / "packages").fetch(case.package)
        spark = Spark(tools.runtime.settings.spark_url, tools.scratch)
        yield SparkScorer(spark, case.signature, directory, case.package)
        return
    with open_safely(tools, case.package, total_seconds=math.inf) as model:
        yield lambda frame: answered(model, frame)


def _keep(job: RunningJob[PredictBatch], tools: Toolbox, start: int, kept: pl.DataFrame, answers: pl.DataFrame) -> None:
    """Store a scored chunk and record it."""
    refused = _refused(start, answers)
    with TemporaryDirectory(dir=tools.scratch) as folder:
        path = Path(folder, "part.parquet")
        write_parquet(kept, path)
        stored = tools.runtime.contents.add_file(path)
    with job.transaction() as session:
        service.keep_part(
            session,
            batch_id=job.spec.batch_id,
            start=start,
            rows=kept.height,
            md5=stored.md5,
            bad_rows=refused.height,
            bad=[BadRow(row=row, reason=reason) for row, reason in refused.head(service.BAD_ROWS_TOLD).iter_rows()],
        )


def _refused(start: int, answers: pl.DataFrame) -> pl.DataFrame:
    """The rows without an answer: `row` as the version numbers it, and the reason."""
    return answers.with_row_index("row", offset=start).filter(pl.col(ERROR).is_not_null()).select("row", ERROR)


def _refuse_bad_rows(start: int, answers: pl.DataFrame) -> None:
    for row, reason in _refused(start, answers).head(1).iter_rows():
        fix = "Clean the rows, or ask with `on_bad_row: null` to have the others answered."
        raise UnfitRow(f"Row {row} cannot be scored: {reason}", where=f"rows[{row}]", fix=fix)


def _put_together(job: RunningJob[PredictBatch], tools: Toolbox, case: _Case) -> ManifestEntry:
    """All parts as one file in the store, one part in memory at a time."""
    job.stage("write")
    job.progress(0.9, "putting the parts together")
    with tools.runtime.reading() as session:
        digests = [part.md5 for part in parts_of(session, job.spec.batch_id)]
    with TemporaryDirectory(dir=tools.scratch) as folder:
        part, path = Path(folder, "part.parquet"), Path(folder, f"{case.ask.into}.parquet")

        def frames() -> Iterator[pl.DataFrame]:
            for digest in digests:
                tools.runtime.contents.fetch(digest, part)
                yield pl.read_parquet(part, memory_map=False)

        write_pieces(frames(), path)
        stored = tools.runtime.contents.add_file(path)
    return ManifestEntry(path.name, stored.md5, stored.size)

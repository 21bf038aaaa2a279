"""Jobs of eyeballs: score the rows, pick those worth looking at."""

import polars as pl

from domain.datasets.queries import get_version_by_id as get_dataset_version
from domain.experiments.models import Run
from domain.eyeballs import service
from domain.eyeballs.jobs import PickRows
from domain.eyeballs.queries import get_eyeball
from domain.eyeballs.specs import EyeballAsk
from domain.registry.queries import get_version_by_id
from domain.registry.specs import Signature
from ml.eyeball import Answered, pick, refuse_empty
from ml.inputs import frame_columns
from ml.models import Predictions
from ml.predicates import row_predicate
from workers.packages import open_safely
from workers.run import RunningJob
from workers.scoring import read_parquet, seen_rows
from workers.tables import read_version
from workers.toolbox import Toolbox


def pick_rows(job: RunningJob[PickRows], tools: Toolbox) -> dict[str, int | None]:
    """Record the rows that the question asks for. A question is answered once."""
    with tools.runtime.reading() as session:
        eyeball = get_eyeball(session, job.spec.eyeball_id)
        question = EyeballAsk.model_validate(eyeball.question)
        version = get_version_by_id(session, eyeball.version_id)
        run = session.get_one(Run, version.run_id)
        other = get_version_by_id(session, eyeball.against_version_id) if eyeball.against_version_id else None
        data = get_dataset_version(session, eyeball.dataset_version_id) if eyeball.dataset_version_id else None
    signature = Signature.model_validate(run.package["signature"])
    job.stage("read")
    job.progress(0.1, "reading the rows")
    frame = read_parquet(tools, run.test_rows_md5) if data is None else read_version(tools, data).collect()
    frame = frame.filter(pl.col(signature.target).is_not_null()) if signature.target in frame.columns else frame.clear()
    notes = []
    if data is not None:
        frame, seen = _unseen(tools, frame, run, signature)
        notes += [f"{seen} rows that the version was trained on are left out."] if seen else []
    if question.where is not None:
        frame = frame.filter(row_predicate(question.where, frame.lazy()))
    refuse_empty(frame)
    job.stage("score")
    job.progress(0.3, f"scoring {frame.height} rows")
    answered = Answered(
        frame=frame,
        signature=signature,
        answers=_answers(tools, version.package_digest, frame),
        others=_answers(tools, other.package_digest, frame) if other else None,
        seed=question.seed,
    )
    picked = pick(answered, question.kinds, limit=question.limit)
    picked = picked.model_copy(update={"notes": notes})
    job.stage("record")
    with job.transaction() as session:
        service.record(session, eyeball_id=job.spec.eyeball_id, pick=picked)
    return {"rows": picked.rows, "mistakes": picked.mistakes}


def _unseen(tools: Toolbox, frame: pl.DataFrame, run: Run, signature: Signature) -> tuple[pl.DataFrame, int]:
    """The rows that the version was not trained on, and how many it was."""
    columns = [column.name for column in signature.inputs if column.name in frame.columns]
    seen = seen_rows(tools, frame, columns, run.train_inputs_md5)
    return frame.filter(~pl.Series(seen)), int(seen.sum())


def _answers(tools: Toolbox, digest: str, frame: pl.DataFrame) -> Predictions:
    with open_safely(tools, digest) as model:
        return model.predict_columns(frame_columns(frame, model.signature.inputs))

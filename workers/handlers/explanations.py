"""Jobs of explanations: find the recorded row and its model, and work out what each input contributed."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import select

from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint
from domain.deployments.specs import EndpointSettings
from domain.errors import Conflict
from domain.experiments.models import Run
from domain.explanations.jobs import ExplainPrediction
from domain.explanations.specs import Contribution, Explanation, ExplanationMethod
from domain.registry.models import RegisteredModel
from domain.registry.queries import find_version
from domain.registry.specs import Signature
from ml.explanations import Columns, Shares, Value, ablation, shapley
from ml.frames import rows_as_json
from ml.inputs import frame_columns
from ml.model_checks.guard import Guarded
from ml.models import Model
from workers.packages import open_safely
from workers.run import RunningJob
from workers.scoring import read_parquet
from workers.toolbox import Toolbox
from workers.traffic import find_prediction

BACKGROUND_ROWS: Final = 100
PERMUTATIONS: Final = 10
SEED: Final = 0


class InputsRedacted(Conflict):
    """What the row held is not kept."""

    code = "inputs_redacted"


@dataclass(frozen=True)
class _Case:
    """The recorded row, and the version that answered it."""

    recorded: pl.DataFrame
    endpoint: str
    model: str
    version: int
    package: str
    signature: Signature
    reference_md5: str


def explain_prediction(job: RunningJob[ExplainPrediction], tools: Toolbox) -> dict[str, Any]:
    """The explanation is the job's result. Raises PredictionUnknown or InputsRedacted."""
    job.stage("search")
    case = _case(tools, job.spec.prediction_id)
    job.stage("explain")
    job.progress(0.2, f"asking version {case.version}")
    inputs = case.recorded["inputs"].struct.unnest()
    names = [column.name for column in case.signature.inputs]
    with open_safely(tools, case.package) as model:
        row = frame_columns(inputs, case.signature.inputs)
        answered = Guarded(model)
        place = _answered_class(answered, row)
        value = _value_of(answered, place)
        if case.signature.task == "text_classification":
            method: ExplanationMethod = "ablation"
            background = 0
            shares = ablation(value, row, [one.name for one in case.signature.inputs if one.type == "string"])
            held: dict[str, Any] = {}
        else:
            reference = read_parquet(tools, case.reference_md5).select(names)
            rows = reference.sample(min(reference.height, BACKGROUND_ROWS), seed=SEED)
            background = rows.height
            around = frame_columns(rows, case.signature.inputs)
            shares, exact = shapley(value, row, around, permutations=PERMUTATIONS, seed=SEED)
            method = "shapley_exact" if exact else "shapley_sampled"
            held = rows_as_json(inputs)[0]
    explains = case.signature.target if place is None else str(case.signature.classes[place])
    return Explanation(
        prediction_id=job.spec.prediction_id,
        endpoint=case.endpoint,
        model=case.model,
        version=case.version,
        method=method,
        explains=explains,
        prediction=shares.prediction,
        base_value=shares.base,
        contributions=_contributions(shares, held),
        background_rows=background,
        evaluations=shares.evaluations,
        seed=SEED,
    ).as_json()


def _case(tools: Toolbox, prediction_id: str) -> _Case:
    with tools.runtime.reading() as session:
        names = session.scalars(select(Endpoint.name).order_by(Endpoint.name)).all()
    recorded = find_prediction(tools.runtime.models, names, prediction_id)
    with tools.runtime.reading() as session:
        endpoint = get_endpoint(session, recorded["endpoint"][0])
        version = find_version(session, endpoint.model_id, recorded["version"][0])
        run = session.get_one(Run, version.run_id)
        signature = Signature.model_validate(run.package["signature"])
        redacted = sorted(
            {column.name for column in signature.inputs}
            & set(EndpointSettings.model_validate(endpoint.settings).redact)
        )
        if redacted:
            raise InputsRedacted(
                f"The values of {', '.join(redacted)} are not kept at {endpoint.name!r}.",
                where="endpoint",
                fix="Ask for predictions whose inputs are recorded.",
            )
        return _Case(
            recorded=recorded,
            endpoint=endpoint.name,
            model=session.get_one(RegisteredModel, endpoint.model_id).name,
            version=version.number,
            package=version.package_digest,
            signature=signature,
            reference_md5=run.reference_md5,
        )


def _answered_class(model: Model, row: Columns) -> int | None:
    """The place of the class that the row is answered with; None for numbers."""
    probabilities = model.predict_columns(row).probabilities
    return None if probabilities is None else int(probabilities[0].argmax())


def _value_of(model: Model, place: int | None) -> Value:
    def value(columns: Columns) -> NDArray[np.float64]:
        answers = model.predict_columns(columns)
        if place is None or answers.probabilities is None:
            return np.array(answers.values, dtype=np.float64)
        return answers.probabilities[:, place]

    return value


def _contributions(shares: Shares, held: dict[str, Any]) -> list[Contribution]:
    found = [
        Contribution(
            feature=name,
            value=held.get(name),
            contribution=contribution,
            standard_error=None if np.isnan(error) else error,
        )
        for name, contribution, error in zip(
            shares.features, shares.contributions.tolist(), shares.errors.tolist(), strict=True
        )
    ]
    return sorted(found, key=lambda one: -abs(one.contribution))

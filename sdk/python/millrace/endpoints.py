"""Endpoints: deploy, predict, roll back, tell the truth; and where one prediction came from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from millrace.errors import Misuse
from millrace.html import page, table
from millrace.http import answer, as_written
from millrace.jobs import Job
from millrace.rest.api.endpoints import (
    get_endpoint,
    get_rollout,
    list_endpoints,
    put_endpoint,
    roll_back,
    start_rollout,
)
from millrace.rest.api.monitoring import add_ground_truth
from millrace.rest.api.predictions import get_prediction, get_prediction_lineage
from millrace.rest.models import (
    EndpointPut,
    EndpointRead,
    JobRead,
    LineageRead,
    PredictionRead,
    RollbackCreate,
    RolloutCreate,
    TruthAccepted,
    TruthCreate,
)
from millrace.rest.types import UNSET
from millrace.things import Thing, near

if TYPE_CHECKING:
    from millrace.client import Client

Truth = float | str | bool


class Endpoint(Thing[EndpointRead]):
    """An endpoint by its name."""

    def __init__(self, client: Client, name: str) -> None:
        super().__init__(client)
        self.name = name

    def __repr__(self) -> str:
        return f"<millrace.Endpoint {self.name}>"

    def _repr_html_(self) -> str:
        found = self.data
        facts = {
            "model": found.model,
            "answers": "nothing yet" if found.live_version is None else f"version {found.live_version}",
            "warm beside it": found.standby_version,
            "rollout under way": found.rollout_id,
            "served as": found.flavor,
        }
        inputs = [(one.name, one.type_) for one in found.signature.inputs] if found.signature else []
        return page(f"Endpoint {self.name}", facts, table(["input", "type"], inputs) if inputs else "")

    def _read(self) -> EndpointRead:
        with near("endpoints", self.name, self._names):
            return answer(get_endpoint.sync(self.name, client=self.client.api))

    def deploy(self, model: str | None = None, *, version: int | None = None, **more: Any) -> Self:
        """Make or change the endpoint: the model's champion answers, then and whenever it changes.

        `version` rolls out one that has passed the gates; `settings` and `strategy` are as in the API. `wait()` waits.
        """
        if model is None and (version is None or more):
            raise Misuse("deploy() needs the model that is to answer.", fix='For example deploy("bikes").')
        if model is not None:
            body = as_written(EndpointPut, {"model": model} | more)
            self.data = answer(put_endpoint.sync(self.name, client=self.client.api, body=body))
        if version is not None:
            order = RolloutCreate(version=version)
            answer(start_rollout.sync(self.name, client=self.client.api, body=order))
            self.refresh()
        return self

    def wait(self) -> Self:
        """Wait for the job of the rollout that is under way, if any. A rollout in steps goes on after it."""
        rollout_id = self.refresh().data.rollout_id
        if rollout_id is not None:
            rollout = answer(get_rollout.sync(rollout_id, client=self.client.api))
            Job(self.client, rollout.job_id).wait()
        return self.refresh()

    def predict(self, rows: Any) -> Predictions:
        """Ask for rows: a list of dicts, one dict, or a frame of pandas or Polars."""
        url = f"{self.client.serving}/serve/{quote(self.name, safe='')}/predict"
        body = json.dumps({"instances": records(rows)}, default=_plain, allow_nan=False)
        with near("endpoints", self.name, self._names):
            response = self.client.http.post(url, content=body, headers={"Content-Type": "application/json"})
        found = response.json()
        return Predictions(found["predictions"], found["ids"], found["model_version"], found.get("probabilities"))

    def rollback(self, reason: str | None = None) -> Self:
        """Let the version before answer again: it is still warm, so this is at once."""
        body = RollbackCreate(reason=reason) if reason else UNSET
        with near("endpoints", self.name, self._names):
            self.data = answer(roll_back.sync(self.name, client=self.client.api, body=body))
        return self

    def truth(self, values: Mapping[str, Truth]) -> TruthAccepted:
        """Tell what turned out to be true, by prediction id."""
        items = [{"id": key, "value": _plain(value)} for key, value in values.items()]
        body = TruthCreate.from_dict({"items": items})
        return answer(add_ground_truth.sync(self.name, client=self.client.api, body=body))

    def _names(self) -> list[str]:
        return [one.name for one in answer(list_endpoints.sync(client=self.client.api, limit=100)).items]


@dataclass(frozen=True)
class Predictions(Sequence[Any]):
    """The answers in the order of the rows, each with its id; `probabilities` of a classification by class."""

    values: list[Any]
    ids: list[str]
    model_version: int
    probabilities: list[dict[str, float]] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: Any) -> Any:
        return self.values[place]

    def _repr_html_(self) -> str:
        rows = zip(self.values, self.ids, strict=True)
        return page(f"Predictions of version {self.model_version}", {}, table(["prediction", "id"], rows))


class Prediction(Thing[PredictionRead]):
    """One recorded answer."""

    def __init__(self, client: Client, prediction_id: str) -> None:
        super().__init__(client)
        self.id = prediction_id

    def __repr__(self) -> str:
        return f"<millrace.Prediction {self.id}>"

    def _repr_html_(self) -> str:
        found = self.data
        facts = {
            "prediction": found.prediction,
            "truth": found.ground_truth,
            "by": f"{found.model}@{found.version} at {found.endpoint}",
            "at": found.at,
            "inputs": found.inputs.to_dict(),
        }
        return page(f"Prediction {self.id}", facts)

    def _read(self) -> PredictionRead:
        while True:
            found = answer(get_prediction.sync(self.id, client=self.client.api))
            if isinstance(found, PredictionRead):
                return found
            if isinstance(found, JobRead):
                Job(self.client, found.id, found).wait()

    def lineage(self) -> LineageRead:
        """From the answer to model version, gate decision, run, code, data and its checks."""
        while True:
            found = answer(get_prediction_lineage.sync(self.id, client=self.client.api))
            if isinstance(found, LineageRead):
                return found
            if isinstance(found, JobRead):  # the answer has to be looked for first
                Job(self.client, found.id, found).wait()


def records(rows: Any) -> list[dict[str, Any]]:
    """Rows as JSON objects. What is missing in a frame (NaN, NaT) is null."""
    if hasattr(rows, "to_dicts"):
        rows = rows.to_dicts()
    elif hasattr(rows, "notna") and hasattr(rows, "to_dict"):
        rows = rows.astype(object).where(rows.notna(), None).to_dict(orient="records")
    if isinstance(rows, Mapping):
        rows = [rows]
    found = list(rows) if isinstance(rows, Iterable) and not isinstance(rows, str | bytes) else []
    wrong = next((row for row in found if not isinstance(row, Mapping)), None)
    if not found or wrong is not None:
        raise Misuse(
            f"Rows are dicts by column, not {type(rows if wrong is None else wrong).__name__}.",
            fix='For example predict([{"hour": 8, "temp": 21.5}]).',
        )
    return [{str(name): _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    """A value as JSON knows it: scalars of numpy by `item`, times in ISO 8601, NaN as null."""
    if hasattr(value, "item"):
        value = value.item()
    if hasattr(value, "isoformat"):
        value = value.isoformat()
    return None if isinstance(value, float) and math.isnan(value) else value

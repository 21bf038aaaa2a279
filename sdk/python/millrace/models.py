"""Models, their versions and promotions: register, promote, see who is champion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from millrace.errors import Misuse, Problem
from millrace.experiments import Run
from millrace.html import page, table
from millrace.http import answer, as_written
from millrace.jobs import Job, settle
from millrace.rest.api.models import (
    add_model_version,
    create_model,
    get_model,
    get_model_version,
    list_model_versions,
    list_models,
    put_policy,
)
from millrace.rest.api.promotions import get_promotion, request_promotion
from millrace.rest.models import ModelCreate, ModelRead, ModelVersionCreate, ModelVersionRead, Policy, PromotionRead
from millrace.rest.types import UNSET
from millrace.things import Thing, near

if TYPE_CHECKING:
    from millrace.client import Client


class Model(Thing[ModelRead]):
    """A model by its name."""

    def __init__(self, client: Client, name: str) -> None:
        super().__init__(client)
        self.name = name

    def __repr__(self) -> str:
        return f"<millrace.Model {self.name}>"

    def _repr_html_(self) -> str:
        facts = {
            "predicts": f"{self.data.target} ({self.data.task})",
            "champion": self.data.champion,
            "challenger": self.data.challenger,
            "description": self.data.description,
        }
        rows = [
            (one.number, one.data.state, one.data.aliases, one.data.metrics.to_dict(), one.data.created_at)
            for one in self.versions(limit=10)
        ]
        return page(f"Model {self.name}", facts, table(["n", "state", "aliases", "metrics", "created"], rows))

    def _read(self) -> ModelRead:
        with near("models", self.name, self._names):
            return answer(get_model.sync(self.name, client=self.client.api))

    def create(self, *, task: str, target: str, **more: Any) -> Self:
        """Declare it before it has versions; `register` does so by itself."""
        body = as_written(ModelCreate, {"name": self.name, "task": task, "target": target} | more)
        self.data = answer(create_model.sync(client=self.client.api, body=body))
        return self

    def policy(self, **policy: Any) -> Self:
        """Set what a version must show: `gates=[{"gate": "metric", "metric": "mae", "max": 60}]`, `approval=…`."""
        answer(put_policy.sync(self.name, client=self.client.api, body=as_written(Policy, policy)))
        return self.refresh()

    def register(self, run: Run | str) -> ModelVersion:
        """Make a finished run the next version; makes the model. Its checks start by themselves."""
        run = Run(self.client, run) if isinstance(run, str) else run
        try:
            answer(get_model.sync(self.name, client=self.client.api))
        except Problem as problem:
            if problem.status != 404:
                raise
            self.create(task=run.data.spec.task, target=run.data.spec.target)
        body = ModelVersionCreate(run_id=run.id)
        found = answer(add_model_version.sync(self.name, client=self.client.api, body=body))
        assert isinstance(found, ModelVersionRead)  # noqa: S101  # a job comes only of an import
        return ModelVersion(self, found.number, found)

    def versions(self, *, limit: int = 50) -> list[ModelVersion]:
        """At most so many, the newest first."""
        found: list[ModelVersion] = []
        cursor: str | None = None
        while len(found) < limit:
            with near("models", self.name, self._names):
                rows = answer(
                    list_model_versions.sync(
                        self.name, client=self.client.api, limit=min(limit - len(found), 100), cursor=cursor or UNSET
                    )
                )
            found += [ModelVersion(self, row.number, row) for row in rows.items]
            cursor = rows.next_cursor
            if cursor is None:
                break
        return found

    def version(self, number: int) -> ModelVersion:
        with near("models", self.name, self._names):
            found = answer(get_model_version.sync(self.name, number, client=self.client.api))
        return ModelVersion(self, number, found)

    @property
    def champion(self) -> ModelVersion | None:
        """The version that is champion now."""
        number = self.refresh().data.champion
        return None if number is None else self.version(number)

    def promote(self, version: ModelVersion | int | None = None) -> Promotion:
        """Ask for a version (the newest, unless one is named) to become champion; the gates of the policy decide.

        `promotion.wait()` waits for the decision, which is data: a refusal raises nothing.
        """
        if version is None:
            newest = self.versions(limit=1)
            if not newest:
                raise Misuse(
                    f"Model {self.name!r} has no versions.", fix="Register a finished run: model.register(run)."
                )
            version = newest[0]
        number = version if isinstance(version, int) else version.number
        job = answer(request_promotion.sync(self.name, number, client=self.client.api))
        return Promotion(self.client, job.subject.rpartition("/")[2], job=Job(self.client, job.id, job))

    def wait(self) -> Self:
        """Wait for the checks of its versions."""
        settle(self.client, f"models/{self.name}")
        return self.refresh()

    def _names(self) -> list[str]:
        return [one.name for one in answer(list_models.sync(client=self.client.api, limit=100)).items]


class ModelVersion(Thing[ModelVersionRead]):
    """One version of a model."""

    def __init__(self, model: Model, number: int, data: ModelVersionRead) -> None:
        super().__init__(model.client, data)
        self.model = model
        self.number = number

    def __repr__(self) -> str:
        return f"<millrace.ModelVersion {self.model.name}@{self.number} {self.data.state}>"

    def _repr_html_(self) -> str:
        facts = {
            "state": self.data.state,
            "aliases": self.data.aliases,
            "overridden": "past the gates, by an admin" if self.data.overridden else None,
            "served as": self.data.flavor,
            "run": self.data.run_id,
            "description": self.data.description,
            "created": self.data.created_at,
            "by": self.data.created_by,
        }
        metrics = table(["metric", "value"], sorted(self.data.metrics.to_dict().items()))
        return page(f"Model version {self.model.name}@{self.number}", facts, metrics)

    def _read(self) -> ModelVersionRead:
        return answer(get_model_version.sync(self.model.name, self.number, client=self.client.api))

    def promote(self) -> Promotion:
        return self.model.promote(self)

    def wait(self) -> Self:
        """Wait for its checks."""
        settle(self.client, f"models/{self.model.name}/versions/{self.number}")
        return self.refresh()


class Promotion(Thing[PromotionRead]):
    """A request to become champion, and what the gates made of it."""

    def __init__(self, client: Client, promotion_id: str, *, job: Job | None = None) -> None:
        super().__init__(client)
        self.id = promotion_id
        self._job = job

    def __repr__(self) -> str:
        return f"<millrace.Promotion {self.id} {self.data.state}>"

    def _repr_html_(self) -> str:
        found = self.data
        facts = {
            "state": found.state,
            "because": found.reason,
            "champion before": found.champion_version,
            "asked": found.requested_at,
            "by": found.requested_by,
            "approved by": found.approver,
            "OVERRIDDEN": f"by {found.overridden_by}: {found.override_reason}" if found.overridden else None,
        }
        gates = found.decision.gates if found.decision else []
        rows = [(one.gate, one.verdict, one.message) for one in gates]
        return page(f"Promotion of {found.model}@{found.version}", facts, table(["gate", "verdict", "finding"], rows))

    def _read(self) -> PromotionRead:
        return answer(get_promotion.sync(self.id, client=self.client.api))

    def wait(self) -> Self:
        """Wait for the decision, and raise nothing when it is a refusal: look at `state` and `reason`."""
        (self._job or Job(self.client, self.data.job_id)).wait()
        return self.refresh()

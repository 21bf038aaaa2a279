"""Jobs of deployments: publish routes, bring a version up to its trial or switch, look up a prediction."""

import json
import time
from typing import Any

from sqlalchemy import select

from adapters.object_store.protocol import ObjectMissing
from domain.db import ReadSession
from domain.deployments import service, steps
from domain.deployments.jobs import CountQuality, LookUpPrediction, PublishRoutes, ReadPredictions, RollOut
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint, get_rollout, routes_of, strategy_of
from domain.deployments.rollout import BEFORE_TRIAL, RolloutState
from domain.deployments.specs import MOST_RECENT, EndpointSettings, Routes, ServingInstance
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.registry.models import ModelVersion
from ml.frames import rows_as_json
from workers.quality import wrong_answers
from workers.run import RunningJob
from workers.toolbox import Toolbox
from workers.traffic import find_prediction, newest_predictions
from workers.validation import Case, Colour, validate

_WARM_TIMEOUT_SECONDS = 60.0
_INSTANCE_ALIVE_SECONDS = 5.0
_POLL_SECONDS = 0.1


class ProbeFailed(DomainError):
    """Green did not answer as it should."""

    kind = "invalid"
    code = "probe_failed"


def publish_routes(job: RunningJob[PublishRoutes], tools: Toolbox) -> dict[str, int]:
    job.stage("write")
    return {"revision": publish(tools, job.spec.endpoint)}


def publish(tools: Toolbox, endpoint: str) -> int:
    """Write the endpoint's routes to the model store, as the database has them; returns the revision written.

    Two publishers may race, and the slower one may write the older routes last. So each looks again after
    writing, and writes again when the database has moved on: the last one to look leaves the newest.
    """
    while True:
        routes = _current(tools, endpoint)
        tools.runtime.models.put(f"routes/{endpoint}.json", routes.model_dump_json().encode())
        if _current(tools, endpoint).revision == routes.revision:
            return routes.revision


def roll_out(job: RunningJob[RollOut], tools: Toolbox) -> dict[str, Any]:
    """Green is loaded wherever the endpoint is served and validated on real rows; a failure aborts.

    Then it is switched to, or its first step begins: from there on the watcher moves it.
    """
    rollout_id = job.spec.rollout_id
    with tools.runtime.reading() as session:
        rollout = get_rollout(session, rollout_id)
        endpoint = session.get_one(Endpoint, rollout.endpoint_id)
        green = _colour(session, rollout.version_id)
        blue = _colour(session, rollout.blue_version_id) if rollout.blue_version_id else None
    if rollout.state not in BEFORE_TRIAL:
        publish(tools, endpoint.name)  # this job may have ended between the switch and its route write
        return {"state": rollout.state}
    number, digest = green.version.number, green.version.package_digest
    probe = None
    try:
        job.stage("load")
        job.progress(0.1, f"loading version {number} beside the live one")
        publish(tools, endpoint.name)
        instances = _wait_until_warm(job, tools, endpoint.name, digest)
        if rollout.state == RolloutState.PREPARING:
            with job.transaction() as session:
                service.loaded(session, rollout_id=rollout_id)
        job.stage("probe")
        job.progress(0.6, "replaying real rows")
        settings = EndpointSettings.model_validate(endpoint.settings)
        found = validate(tools, Case(endpoint.name, settings, green, blue, strategy_of(rollout.strategy)))
        probe = {**found.probe, "instances": instances}
        job.log(f"probe: {probe}")
        if found.problems:
            raise ProbeFailed(f"Version {number} was not let go live: {' '.join(found.problems)}")
        job.stage("switch")
        with job.transaction() as session:
            state = steps.prove(session, rollout_id=rollout_id, probe=probe).state
    except DomainError as error:
        if error.kind == "unavailable":
            raise
        with job.transaction() as session:
            if get_rollout(session, rollout_id).state in BEFORE_TRIAL:  # else a person was faster
                service.fail(session, rollout_id=rollout_id, reason=error.message, probe=probe)
        publish(tools, endpoint.name)
        return {"state": RolloutState.ABORTED, "reason": error.message}
    publish(tools, endpoint.name)
    return {"state": state, "version": number, "probe": probe}


def count_quality(job: RunningJob[CountQuality], tools: Toolbox) -> dict[str, Any]:
    """Join the labels that are known by now with what both versions answered; the watcher judges the counts."""
    job.stage("join")
    found = wrong_answers(tools, job.spec.rollout_id)
    if found is None:
        return {"parts": []}
    quality = found.model_dump(mode="json")
    job.stage("record")
    with job.transaction() as session:
        steps.count_quality(session, rollout_id=job.spec.rollout_id, quality=quality)
    return quality


def look_up_prediction(job: RunningJob[LookUpPrediction], tools: Toolbox) -> dict[str, Any]:
    """The recorded row of one prediction. Raises PredictionUnknown."""
    with tools.runtime.reading() as session:
        names = session.scalars(select(Endpoint.name).order_by(Endpoint.name)).all()
    job.stage("search")
    found = find_prediction(tools.runtime.models, names, job.spec.prediction_id)
    row = rows_as_json(found)[0]
    extra = json.loads(row["extra"]) if row["extra"] else None
    return {**row, "at": found["at"][0].isoformat(), "extra": extra}


def read_predictions(job: RunningJob[ReadPredictions], tools: Toolbox) -> dict[str, Any]:
    """The newest answers of an endpoint, newest first. Their inputs are left to the look-up of each."""
    job.stage("read")
    return {"predictions": newest_predictions(tools.runtime.models, job.spec.endpoint, limit=MOST_RECENT)}


def _colour(session: ReadSession, version_id: str) -> Colour:
    version = session.get_one(ModelVersion, version_id)
    return Colour(version, session.get_one(Run, version.run_id))


def _current(tools: Toolbox, endpoint: str) -> Routes:
    with tools.runtime.reading() as session:
        return routes_of(session, get_endpoint(session, endpoint))


def _wait_until_warm(job: RunningJob[RollOut], tools: Toolbox, endpoint: str, package: str) -> int:
    """How many serving processes have green warm; raises ProbeFailed when one of them cannot load it in time.

    A serving process reports every second or so. With none alive there is nobody to wait for: they load on start.
    """
    deadline = time.monotonic() + _WARM_TIMEOUT_SECONDS
    while True:
        alive = _alive_instances(tools)
        refused = [one.errors[package] for one in alive if package in one.errors]
        if refused:
            raise ProbeFailed(f"A serving process cannot load the package: {refused[0]}")
        warm = [one for one in alive if package in one.warm.get(endpoint, [])]
        if len(warm) == len(alive):
            job.log(f"{len(warm)} serving processes have it warm")
            return len(warm)
        if time.monotonic() > deadline:
            raise ProbeFailed(
                f"{len(alive) - len(warm)} of {len(alive)} serving processes did not load the package "
                f"in {_WARM_TIMEOUT_SECONDS:.0f} s."
            )
        time.sleep(_POLL_SECONDS)


def _alive_instances(tools: Toolbox) -> list[ServingInstance]:
    found = []
    for info in tools.runtime.models.list("instances"):
        try:
            instance = ServingInstance.model_validate_json(tools.runtime.models.get(info.key))
        except ObjectMissing:  # it stopped between the listing and the reading
            continue
        if time.time() - instance.at < _INSTANCE_ALIVE_SECONDS:
            found.append(instance)
    return found

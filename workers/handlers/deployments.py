"""Jobs of deployments: publish routes, roll out blue-green, look up a prediction."""

import json
import math
import time
from typing import Any

from sqlalchemy import select

from adapters.object_store.protocol import ObjectMissing
from domain.deployments import service
from domain.deployments.jobs import LookUpPrediction, PublishRoutes, RollOut
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint, get_rollout, routes_of
from domain.deployments.rollout import ACTIVE, RolloutState
from domain.deployments.specs import Routes, ServingInstance
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.registry.models import ModelVersion
from ml.frames import rows_as_json
from workers.run import RunningJob
from workers.scoring import engine, read_parquet, score
from workers.toolbox import Toolbox
from workers.traffic import find_prediction

_PROBES = 200
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
    """Green is loaded wherever the endpoint is served, probed with real rows, and switched to; a failure aborts."""
    rollout_id = job.spec.rollout_id
    with tools.runtime.reading() as session:
        rollout = get_rollout(session, rollout_id)
        endpoint = session.get_one(Endpoint, rollout.endpoint_id)
        green = session.get_one(ModelVersion, rollout.version_id)
        run = session.get_one(Run, green.run_id)
    if rollout.state not in ACTIVE:
        publish(tools, endpoint.name)  # this job may have ended between the switch and its route write
        return {"state": rollout.state}
    try:
        job.stage("load")
        job.progress(0.1, f"loading version {green.number} beside the live one")
        publish(tools, endpoint.name)
        instances = _wait_until_warm(job, tools, endpoint.name, green.package_digest)
        if rollout.state == RolloutState.PREPARING:
            with job.transaction() as session:
                service.loaded(session, rollout_id=rollout_id)
        job.stage("probe")
        job.progress(0.6, "probing with real rows")
        probe = {**_probe(tools, green.package_digest, run.test_rows_md5), "instances": instances}
        job.log(f"probe: {probe}")
        job.stage("switch")
        with job.transaction() as session:
            service.switch(session, rollout_id=rollout_id, probe=probe)
    except DomainError as error:
        if error.kind == "unavailable":
            raise
        with job.transaction() as session:
            if get_rollout(session, rollout_id).state in ACTIVE:  # else a person was faster
                service.abort(session, rollout_id=rollout_id, reason=error.message)
        publish(tools, endpoint.name)
        return {"state": RolloutState.ABORTED, "reason": error.message}
    publish(tools, endpoint.name)
    return {"state": RolloutState.SWITCHED, "version": green.number, "probe": probe}


def look_up_prediction(job: RunningJob[LookUpPrediction], tools: Toolbox) -> dict[str, Any]:
    """The recorded row of one prediction. Raises PredictionUnknown."""
    with tools.runtime.reading() as session:
        names = session.scalars(select(Endpoint.name).order_by(Endpoint.name)).all()
    job.stage("search")
    found = find_prediction(tools.runtime.models, names, job.spec.prediction_id)
    row = rows_as_json(found)[0]
    extra = json.loads(row["extra"]) if row["extra"] else None
    return {**row, "at": found["at"][0].isoformat(), "extra": extra}


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


def _probe(tools: Toolbox, package: str, rows_md5: str) -> dict[str, Any]:
    """Answers of green for real test rows: all there, all finite, and how long a row took."""
    rows = read_parquet(tools, rows_md5).head(_PROBES)
    with engine(tools) as models:
        loaded = models.load(package)
        started = time.perf_counter()
        answers = score(loaded, rows)
        seconds = time.perf_counter() - started
        flavor = loaded.model.package.flavor
    if len(answers.values) != rows.height:
        raise ProbeFailed(f"{rows.height} rows were asked and {len(answers.values)} answered.")
    strange = [value for value in answers.values if isinstance(value, float) and not math.isfinite(value)]
    if strange:
        raise ProbeFailed(f"{len(strange)} of {rows.height} answers are not finite numbers.")
    return {"rows": rows.height, "ms_per_row": round(seconds * 1000 / max(1, rows.height), 3), "flavor": flavor}

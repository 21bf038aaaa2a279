"""`python -m api.doctor PART…`: how the parts are that the settings name, one JSON line each. For `millrace doctor`.

A process of its own: what is broken may be what every other process needs to start.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from queue import Empty, SimpleQueue
from threading import Thread

import orjson
from pydantic import ValidationError

from adapters.checkup import Finding, look_at_broker, look_at_database, look_at_mlflow, look_at_store, opened
from adapters.object_store.protocol import ObjectStore
from adapters.settings import Settings
from domain.deployments.specs import Routes
from domain.errors import DomainError, said_of

DEADLINE_SECONDS = 15.0
"""So long all parts together may take; they are looked at side by side."""


def probes_of(settings: Settings) -> dict[str, Callable[[], Finding]]:
    """A look at each part, by its name."""
    data, models = settings.store_url, settings.model_store_url
    return {
        "database": lambda: look_at_database(settings.database_url),
        "broker": lambda: look_at_broker(settings.redis_url),
        "mlflow": lambda: look_at_mlflow(settings.mlflow_url),
        "data store": lambda: look_at_store("data store", "MILLRACE_STORE_URL", data, settings),
        "model store": lambda: look_at_store("model store", "MILLRACE_MODEL_STORE_URL", models, settings),
        "routes": lambda: look_at_routes(settings),
    }


def look_at_routes(settings: Settings) -> Finding:
    """Whether serving could read what answers for each endpoint."""
    try:
        store = opened(settings.model_store_url, settings)
        keys = [info.key for info in store.list("routes/") if info.key.endswith(".json")] if store else []
    except DomainError as error:
        return Finding("routes", "warn", "The routes of the endpoints cannot be listed.", error.message)
    unreadable = [key for key in keys if store and not _readable(store, key)]
    if unreadable:
        what = f"Serving cannot read {', '.join(unreadable)} in the model store."
        fix = "millrace rollback ENDPOINT, or millrace deploy ENDPOINT SPEC, writes the routes again"
        return Finding("routes", "broken", what, "It is not what this version writes.", fix)
    return Finding("routes", "ok", f"{len(keys)} endpoints' routes can be read", facts={"endpoints": len(keys)})


def _readable(store: ObjectStore, key: str) -> bool:
    try:
        Routes.model_validate_json(store.get(key))
    except (ValidationError, DomainError):
        return False
    return True


def look(probes: dict[str, Callable[[], Finding]], tell: Callable[[Finding], None], *, seconds: float) -> None:
    """Look at all of them side by side, and tell each finding as it comes; what takes too long is told as that."""
    found: SimpleQueue[Finding] = SimpleQueue()

    def look_at(part: str, probe: Callable[[], Finding]) -> None:
        try:
            found.put(probe())
        except Exception as error:  # noqa: BLE001  # whatever it is, the person who asks what is wrong is told
            found.put(Finding(part, "broken", "It could not be looked at.", f"{type(error).__name__}: {error}"))

    for part, probe in probes.items():
        Thread(target=look_at, args=(part, probe), daemon=True).start()
    waiting, deadline = set(probes), time.monotonic() + seconds
    while waiting:
        try:
            finding = found.get(timeout=max(deadline - time.monotonic(), 0))
        except Empty:
            break
        waiting.discard(finding.part)
        tell(finding)
    for part in waiting:
        tell(Finding(part, "broken", f"It does not answer within {seconds:.0f} s.", "Is it on a network that is down?"))


def main() -> None:
    try:
        probes = probes_of(Settings())
    except ValidationError as error:
        for one in error.errors():
            name = "MILLRACE_" + "_".join(map(str, one["loc"])).upper()
            _tell(Finding("settings", "broken", f"{name} is not valid: {said_of(one)}.", fix=f"unset {name}"))
        return
    look({part: probes[part] for part in sys.argv[1:]}, _tell, seconds=DEADLINE_SECONDS)


def _tell(finding: Finding) -> None:
    sys.stdout.buffer.write(orjson.dumps(asdict(finding)) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

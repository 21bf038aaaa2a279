"""Which version answers for which endpoint: follows the routes in the model store, loads before it switches."""

import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from os import getpid

import orjson
from pydantic import ValidationError

from adapters.object_store.protocol import ObjectInfo, ObjectMissing, ObjectStore, StoreForbidden
from domain.deployments.specs import EndpointSettings, Routes, ServingAccess, ServingInstance, Target
from domain.deployments.traffic import choose, live_targets, point
from domain.errors import DomainError, NotFound, Unavailable, unknown
from serving.engine import Engine, Loaded
from serving.metrics import ServingMetrics, TargetMeters
from serving.trials import LiveTrial, Trials

log = logging.getLogger(__name__)

_ACCESS_KEY = "access/tokens.json"
# A store may stamp objects by the second, so an object that changed a moment ago may change again unseen.
_SETTLE_SECONDS = 3.0
_RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class LiveTarget:
    """A loaded version that answers."""

    version: int
    share: float
    loaded: Loaded
    meters: TargetMeters


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it answers now. A request holds on to it, so its models outlive the request."""

    name: str
    revision: int
    settings: EndpointSettings
    live: Sequence[LiveTarget]
    standby: Sequence[Loaded]
    trial: LiveTrial[LiveTarget] | None = None

    def choose(self, key: str | None) -> LiveTarget | None:
        """The target for a request: by its sticky key, or at random by share."""
        if len(self.live) == 1:
            return self.live[0]
        return choose(self.live, random.random() if key is None else point(self.name, key))  # noqa: S311 - traffic, no secret


@dataclass(slots=True)
class _Wanted:
    """The newest routes read for an endpoint, and how far they are in force."""

    routes: Routes
    complete: bool = False
    failures: int = 0
    retry_at: float = 0.0


class RouteTable:
    """Polls the store from a thread of its own; `endpoint()` is a dictionary look-up on whatever is in force.

    Routes change only upwards in revision, and only once every live package of the new routes is loaded.
    Whatever cannot be read or loaded leaves the old routes answering and is reported in the heartbeat.
    """

    def __init__(
        self,
        store: ObjectStore,
        engine: Engine,
        metrics: ServingMetrics,
        trials: Trials,
        *,
        instance: str | None = None,
        poll_seconds: float = 0.2,
        heartbeat_seconds: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.instance = instance or f"{socket.gethostname()}-{getpid()}"
        self._store = store
        self._engine = engine
        self._metrics = metrics
        self._trials = trials
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._clock = clock
        self._endpoints: dict[str, Endpoint] = {}
        self._tokens: frozenset[str] = frozenset()
        self._access_revision = -1
        self._wanted: dict[str, _Wanted] = {}
        self._stamps: dict[str, tuple[ObjectInfo, float]] = {}
        self._errors: dict[str, dict[str, str]] = {}
        self._applying: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="load")
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._threads: list[threading.Thread] = []
        self.ready = False

    def start(self) -> None:
        """Begins to follow the store; returns after a first look, so that what can be loaded answers."""
        self._stop.clear()
        self._trials.start()
        self.refresh()
        self._threads = [
            threading.Thread(target=self._poll, name="routes", daemon=True),
            threading.Thread(target=self._beat, name="heartbeat", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._changed.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._trials.stop()
        self._pool.shutdown(cancel_futures=True)
        self._endpoints = {}

    def endpoint(self, name: str) -> Endpoint | None:
        return self._endpoints.get(name)

    def missing(self, name: str, *, only_public: bool) -> NotFound:
        """The error for an endpoint that does not exist. Strangers are shown near matches among public ones only."""
        known = [
            each.name for each in self._endpoints.values() if not only_public or each.settings.visibility == "public"
        ]
        return unknown("endpoint", name, known)

    def knows_token(self, token_sha256: str) -> bool:
        return token_sha256 in self._tokens

    def refresh(self, *, wait_for_loads: bool = True) -> None:
        """Looks at the store now. With `wait_for_loads`, returns when what was found is loaded, or has failed."""
        with self._refreshing:
            try:
                self._read_access()
                self._read_routes()
            except (Unavailable, StoreForbidden, OSError) as error:
                self._note("store", str(error))
            else:
                self._note("store", None)
                self.ready = True
            self._begin_loads()
        if wait_for_loads:
            wait(list(self._applying.values()))

    def report(self) -> ServingInstance:
        """What this process has loaded, as the heartbeat says it."""
        endpoints = list(self._endpoints.values())
        with self._lock:
            errors = {key: text for errors in self._errors.values() for key, text in errors.items()}
        return ServingInstance(
            instance=self.instance,
            at=self._clock(),
            warm={
                each.name: sorted(
                    {target.loaded.digest for target in each.live} | {model.digest for model in each.standby}
                )
                for each in endpoints
            },
            revisions={each.name: each.revision for each in endpoints},
            errors=errors,
        )

    def _poll(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self.refresh(wait_for_loads=False)
            except Exception:  # whatever is wrong in the store, the thread that follows it goes on
                log.exception("reading the routes failed; the ones in force go on")

    def _beat(self) -> None:
        key = f"instances/{self.instance}.json"
        while not self._stop.is_set():
            self._changed.clear()
            try:
                self._store.put(key, orjson.dumps(self.report().model_dump()))
            except (Unavailable, StoreForbidden, OSError) as error:
                log.warning("the store takes no heartbeat: %s", error)
            self._changed.wait(self._heartbeat_seconds)
        try:
            self._store.delete(key)
        except (Unavailable, StoreForbidden, OSError) as error:
            log.warning("the heartbeat stays in the store: %s", error)

    def _read_access(self) -> None:
        try:
            info = self._store.info(_ACCESS_KEY)
        except ObjectMissing:
            return  # nobody has tokens yet, or the store is away: keep what we know
        if not self._news(info):
            return
        try:
            access = ServingAccess.model_validate_json(self._store.get(_ACCESS_KEY))
        except ValidationError as error:
            self._note(_ACCESS_KEY, str(error))
            return
        self._note(_ACCESS_KEY, None)
        if access.revision > self._access_revision:
            self._access_revision = access.revision
            self._tokens = frozenset(entry.token_sha256 for entry in access.tokens)

    def _read_routes(self) -> None:
        listed = {info.key: info for info in self._store.list("routes/") if info.key.endswith(".json")}
        for key, info in listed.items():
            if self._news(info):
                try:
                    self._read_one(key)
                except ObjectMissing:
                    continue  # deleted since it was listed
        if listed or self._store.exists(_ACCESS_KEY):
            # An empty store looks the same as one that was unmounted: only a store with a sign of life can take away.
            self._forget({key for key in self._stamps if key.startswith("routes/")} - set(listed))

    def _read_one(self, key: str) -> None:
        name = key.removeprefix("routes/").removesuffix(".json")
        try:
            routes = Routes.model_validate_json(self._store.get(key))
        except ValidationError as error:
            self._note(key, f"{key} is not valid: {error}")
            return
        if routes.endpoint != name:
            self._note(key, f"{key} is not valid: it names endpoint {routes.endpoint!r}")
            return
        self._note(key, None)
        known = self._wanted.get(name)
        if known is None or routes.revision > known.routes.revision:
            self._wanted[name] = _Wanted(routes)

    def _forget(self, keys: set[str]) -> None:
        for key in keys:
            name = key.removeprefix("routes/").removesuffix(".json")
            del self._stamps[key]
            self._wanted.pop(name, None)
            self._trials.forget(name)
            self._note(key, None)
            with self._lock:
                self._endpoints = {other: each for other, each in self._endpoints.items() if other != name}
                self._errors.pop(name, None)
            self._changed.set()

    def _news(self, info: ObjectInfo) -> bool:
        """Whether the object may have changed since it was last read."""
        now = time.monotonic()
        known = self._stamps.get(info.key)
        if known is None or known[0] != info:
            self._stamps[info.key] = (info, now)
            return True
        return now - known[1] < _SETTLE_SECONDS

    def _begin_loads(self) -> None:
        now = time.monotonic()
        for name, wanted in list(self._wanted.items()):
            running = self._applying.get(name)
            if wanted.complete or wanted.retry_at > now or (running is not None and not running.done()):
                continue
            self._applying[name] = self._pool.submit(self._apply, wanted)

    def _apply(self, wanted: _Wanted) -> None:
        """Loads what the routes name, then puts them in force. Runs in the pool, one at a time per endpoint."""
        routes = wanted.routes
        loaded: dict[str, Loaded] = {}
        errors: dict[str, str] = {}
        for digest in dict.fromkeys(target.package for target in routes.targets):
            try:
                loaded[digest] = self._engine.load(digest)
            except Exception as error:
                expected = isinstance(error, DomainError)
                log.warning(
                    "package %s of %s does not load: %s", digest[:12], routes.endpoint, error, exc_info=not expected
                )
                errors[digest] = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
        with self._lock:
            if self._wanted.get(routes.endpoint) is not wanted:
                return  # overtaken by newer routes, or the endpoint is gone
            self._errors[routes.endpoint] = errors
            self._put_in_force(routes, loaded)
        if errors:
            wanted.retry_at = time.monotonic() + _RETRY_SECONDS[min(wanted.failures, len(_RETRY_SECONDS) - 1)]
            wanted.failures += 1
        wanted.complete = not errors
        self._changed.set()

    def _put_in_force(self, routes: Routes, loaded: dict[str, Loaded]) -> None:
        """Swaps the entry. Lacking a live package the old routes stay; with none to keep, what loads answers."""
        live = live_targets(routes.targets)
        current = self._endpoints.get(routes.endpoint)
        if current is not None and any(target.package not in loaded for target in live):
            return
        answering = tuple(
            self._answering(routes, target, loaded[target.package]) for target in live if target.package in loaded
        )
        endpoint = Endpoint(
            name=routes.endpoint,
            revision=routes.revision,
            settings=routes.settings,
            live=answering,
            trial=self._trials.follow(routes, answering, loaded),
            standby=tuple(
                loaded[target.package] for target in routes.targets if target not in live and target.package in loaded
            ),
        )
        self._endpoints = {**self._endpoints, routes.endpoint: endpoint}
        self._metrics.revision.labels(routes.endpoint).set(routes.revision)
        log.info(
            "%s answers by revision %d, versions %s",
            endpoint.name,
            endpoint.revision,
            [t.version for t in endpoint.live],
        )

    def _answering(self, routes: Routes, target: Target, loaded: Loaded) -> LiveTarget:
        return LiveTarget(target.version, target.share, loaded, self._metrics.target(routes.endpoint, target.version))

    def _note(self, key: str, problem: str | None) -> None:
        """Remembers a problem for the heartbeat, or that it is over; says each once in the log."""
        with self._lock:
            known = self._errors.get(key, {}).get(key)
            if problem is None:
                self._errors.pop(key, None)
            else:
                self._errors[key] = {key: problem}
        if problem is not None and problem != known:
            log.error("serving goes on with what it has: %s", problem)

"""Which version answers for which endpoint: follows the routes in the model store, loads before it switches."""

import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from os import getpid

import orjson

from adapters.object_store.protocol import ObjectStore, StoreForbidden
from domain.deployments.specs import EndpointSettings, Routes, ServingInstance, Target
from domain.deployments.traffic import choose, live_targets, point
from domain.errors import DomainError, NotFound, Unavailable, unknown
from serving.admission import Gate
from serving.engine import Engine, Loaded
from serving.loading import Loaders
from serving.metrics import ServingMetrics, TargetMeters
from serving.trials import LiveTrial, Trials
from serving.watch import StoreWatch

log = logging.getLogger(__name__)

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
    """An endpoint as it answers now. A request holds on to it, so its models outlive the request.

    While it is `cold` nothing of it is in memory, and the next request has it loaded.
    """

    name: str
    revision: int
    settings: EndpointSettings
    live: Sequence[LiveTarget]
    standby: Sequence[Loaded]
    gate: Gate
    routes: Routes
    trial: LiveTrial[LiveTarget] | None = None
    cold: bool = False

    @property
    def digests(self) -> set[str]:
        """The packages that it holds in memory."""
        return {target.loaded.digest for target in self.live} | {model.digest for model in self.standby}

    def choose(self, key: str | None) -> LiveTarget | None:
        """The target for a request: by its sticky key, or at random by share."""
        if len(self.live) == 1:
            return self.live[0]
        return choose(self.live, random.random() if key is None else point(self.name, key))  # noqa: S311 - traffic, no secret


@dataclass(slots=True)
class _Wanted:
    """Routes that are to answer for an endpoint, and how far they are in force. `before`: those that do meanwhile."""

    routes: Routes
    complete: bool = False
    failures: int = 0
    retry_at: float = 0.0
    loading: str = ""  # the package that it is busy with
    running: "Future[None] | None" = None
    before: "_Wanted | None" = None


class RouteTable:
    """Polls the store from a thread of its own; `endpoint()` is a dictionary look-up on whatever is in force.

    Routes change only upwards in revision, and only once every live package of the new routes is loaded.
    Whatever cannot be read or loaded leaves the old routes answering and is reported in the heartbeat.

    At most `max_loaded` packages are kept in memory, as far as requests under way allow: beyond that the endpoint that
    was asked least lately becomes cold, all of its packages at once. What is routed anew is loaded, others go for it.
    A start waits for the packages for `start_seconds`; requests for what still loads then wait by themselves.
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
        max_loaded: int = 64,
        load_seconds: float = 60.0,
        start_seconds: float = 15.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.instance = instance or f"{socket.gethostname()}-{getpid()}"
        self._store = store
        self._engine = engine
        self._metrics = metrics
        self._trials = trials
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._max_loaded = max_loaded
        self._start_seconds = start_seconds
        self._clock = clock
        self._watch = StoreWatch(store, on_routes=self._want, on_gone=self._forget, on_problem=self._note)
        self._endpoints: dict[str, Endpoint] = {}
        self._wanted: dict[str, _Wanted] = {}
        self._errors: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._loaders = Loaders(seconds=load_seconds)
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._seen = False
        self.draining = False

    @property
    def ready(self) -> bool:
        """Whether the store has been read, and this process is not about to leave."""
        return self._seen and not self.draining

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
        self._loaders.stop()
        self._trials.stop()
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
        return token_sha256 in self._watch.tokens

    def refresh(self, *, wait_for_loads: bool = True) -> None:
        """Looks at the store now. With `wait_for_loads`, returns when what was found is loaded, or has failed."""
        with self._refreshing:
            first = not self._seen
            try:
                self._watch.look()
            except (Unavailable, StoreForbidden, OSError) as error:
                self._note("store", str(error))
            else:
                self._note("store", None)
                self._seen = True
            self._begin_loads(first=first)
        if wait_for_loads:
            wait([each.running for each in list(self._wanted.values()) if each.running], timeout=self._start_seconds)

    def warm(self, name: str) -> Future[None] | None:
        """Begins to load a cold endpoint, once for all who ask; done when it answers, or cannot. None if it is gone.

        It is loaded by the routes that were in force: newer ones may be on their way, and may hang or be damaged.
        """
        with self._lock:
            endpoint = self._endpoints.get(name)
            wanted = self._wanted.get(name)
            if wanted is None or endpoint is None or not endpoint.cold:
                return None
            if wanted.routes is not endpoint.routes:
                if wanted.before is None or wanted.before.routes is not endpoint.routes:
                    wanted.before = _Wanted(endpoint.routes)
                wanted = wanted.before
            return self._begin(wanted)

    def report(self) -> ServingInstance:
        """What this process has loaded, as the heartbeat says it."""
        endpoints = list(self._endpoints.values())
        with self._lock:
            errors = {key: text for errors in self._errors.values() for key, text in errors.items()}
        return ServingInstance(
            instance=self.instance,
            at=self._clock(),
            warm={each.name: sorted(each.digests) for each in endpoints},
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

    def _want(self, routes: Routes) -> None:
        known = self._wanted.get(routes.endpoint)
        if known is None or routes.revision > known.routes.revision:
            self._wanted[routes.endpoint] = _Wanted(routes)

    def _forget(self, name: str) -> None:
        self._wanted.pop(name, None)
        self._trials.forget(name)
        with self._lock:
            self._endpoints = {other: each for other, each in self._endpoints.items() if other != name}
            self._errors.pop(name, None)
        self._changed.set()

    def _begin_loads(self, *, first: bool) -> None:
        """Has loaded what is new, and what has failed and is due again; at the start, only as much as there is room."""
        now = time.monotonic()
        with self._lock:
            planned = set[str]().union(*(each.digests for each in self._endpoints.values()))
            for name, wanted in list(self._wanted.items()):
                if wanted.complete or wanted.retry_at > now:
                    continue
                if name not in self._endpoints:
                    self._swap(_cold(wanted.routes, Gate()))
                    planned |= {target.package for target in wanted.routes.targets}
                    if first and len(planned) > self._max_loaded:
                        wanted.complete = True
                        continue
                self._begin(wanted)
            self._make_room()
        self._loaders.look()

    def _begin(self, wanted: _Wanted) -> Future[None]:
        """Under the lock. Newer routes do not wait for older ones, which may hang."""
        if wanted.running is None or wanted.running.done():
            late = partial(self._report_late, wanted)
            wanted.running = self._loaders.submit(partial(self._apply, wanted), late=late)
        return wanted.running

    def _apply(self, wanted: _Wanted) -> None:
        """Loads what the routes name, then puts them in force. Runs in a thread of the loaders."""
        name = wanted.routes.endpoint
        loaded, errors = self._load(wanted)
        with self._lock:
            newest = self._wanted.get(name)
            if newest is None or (newest is not wanted and newest.before is not wanted):
                return  # overtaken by newer routes, or the endpoint is gone
            self._errors[name] = errors if newest is wanted else {**self._errors.get(name, {}), **errors}
            self._put_in_force(wanted.routes, loaded)
        if errors:
            wanted.retry_at = time.monotonic() + _RETRY_SECONDS[min(wanted.failures, len(_RETRY_SECONDS) - 1)]
            wanted.failures += 1
        wanted.complete = not errors
        self._changed.set()

    def _report_late(self, wanted: _Wanted) -> None:
        with self._lock:
            if self._wanted.get(wanted.routes.endpoint) is wanted:
                text = f"It has been loading for more than {self._loaders.seconds:g} s."
                self._errors[wanted.routes.endpoint] = {wanted.loading: text}

    def _load(self, wanted: _Wanted) -> tuple[dict[str, Loaded], dict[str, str]]:
        """The packages of its routes that load, and what is wrong with the others, by digest."""
        loaded: dict[str, Loaded] = {}
        errors: dict[str, str] = {}
        routes = wanted.routes
        for digest in dict.fromkeys(target.package for target in routes.targets):
            wanted.loading = digest
            try:
                loaded[digest] = self._engine.load(digest)
            except Exception as error:
                expected = isinstance(error, DomainError)
                log.warning(
                    "package %s of %s does not load: %s", digest[:12], routes.endpoint, error, exc_info=not expected
                )
                errors[digest] = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
        return loaded, errors

    def _put_in_force(self, routes: Routes, loaded: Mapping[str, Loaded]) -> None:
        """Under the lock. Lacking a live package the old routes stay; with none to keep, what loads answers."""
        current = self._endpoints[routes.endpoint]
        kept = current.routes is not routes or self._wanted[routes.endpoint].routes is not routes
        if routes.revision < current.revision or (kept and _lacks(routes, loaded)):
            return
        live = live_targets(routes.targets)
        answering = tuple(
            self._answering(routes, target, loaded[target.package]) for target in live if target.package in loaded
        )
        current.gate.used_at = time.monotonic()
        endpoint = replace(
            _cold(routes, current.gate),
            cold=False,
            live=answering,
            trial=self._trials.follow(routes, answering, loaded),
            standby=tuple(
                loaded[target.package] for target in routes.targets if target not in live and target.package in loaded
            ),
        )
        self._swap(endpoint)
        self._make_room(keep=endpoint.name)
        self._metrics.revision.labels(routes.endpoint).set(routes.revision)
        log.info(
            "%s answers by revision %d, versions %s",
            endpoint.name,
            endpoint.revision,
            [t.version for t in endpoint.live],
        )

    def _swap(self, endpoint: Endpoint) -> None:
        """Under the lock."""
        self._endpoints = {**self._endpoints, endpoint.name: endpoint}

    def _make_room(self, keep: str = "") -> None:
        """Under the lock. While there is too much in memory, drops who was asked least lately and has no request."""
        while len(set[str]().union(*(each.digests for each in self._endpoints.values()))) > self._max_loaded:
            idle = [each for each in self._endpoints.values() if each.digests and each.gate.idle and each.name != keep]
            if not idle:
                return
            least = min(idle, key=lambda each: each.gate.used_at)
            self._swap(_cold(least.routes, least.gate))
            self._changed.set()
            log.info("%s is cold: others were asked since", least.name)

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


def _cold(routes: Routes, gate: Gate) -> Endpoint:
    return Endpoint(routes.endpoint, routes.revision, routes.settings, (), (), gate, routes, cold=True)


def _lacks(routes: Routes, loaded: Mapping[str, Loaded]) -> bool:
    """Whether a package that is to answer is not there."""
    return any(target.package not in loaded for target in live_targets(routes.targets))

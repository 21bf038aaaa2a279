"""Loaded models by digest: fetched, verified, opened once, and gone when nothing refers to them any more."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

from domain.registry.specs import Package, Signature
from ml.encoding import Extra
from ml.models import Predictions, load_onnx
from serving.packages import PackageCache
from serving.python_model import PythonModel, start_python_model
from serving.supervisor import ProcessLimits


class RowModel(Protocol):
    """The part of `ml.models.Model` that answers requests."""

    @property
    def package(self) -> Package: ...
    @property
    def signature(self) -> Signature: ...
    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions: ...


@dataclass(frozen=True)
class Loaded:
    """A model that can answer. Small requests to a `quick` one are worth no thread; others run in `threads`.

    One that is `batched` answers in other processes: it is awaited, and only the work around it is done here.
    """

    digest: str
    model: RowModel
    quick: bool
    threads: Executor
    batched: PythonModel | None = None


class Engine:
    """Loads packages. Whoever holds a `Loaded` keeps it alive: a route, a request in flight, a worker's probe.

    `trusted` are the digests of packages whose code may run, whoever made them (see `adapters.model_code`).
    """

    def __init__(
        self,
        cache: PackageCache,
        *,
        threads: int = 4,
        python: ProcessLimits | None = None,
        trusted: frozenset[str] = frozenset(),
    ) -> None:
        self._cache = cache
        self._trusted = trusted
        self._python = python or ProcessLimits()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="predict")
        self._loaded: WeakValueDictionary[str, Loaded] = WeakValueDictionary()
        self._loading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def load(self, digest: str) -> Loaded:
        """The model of a package, loading it if need be. May take seconds: never on the event loop.

        Raises ObjectMissing, StoreUnavailable, BadPackage, PickleRefused or ModelFailed.
        """
        with self._loading[digest]:
            loaded = self._loaded.get(digest)
            if loaded is None:
                loaded = self._open(digest)
                self._loaded[digest] = loaded
            return loaded

    @property
    def loaded(self) -> frozenset[str]:
        """Digests of the models in memory."""
        return frozenset(self._loaded)

    def close(self) -> None:
        self._threads.shutdown()

    def _open(self, digest: str) -> Loaded:
        directory, package = self._cache.fetch(digest)
        if package.flavor == "onnx":
            return Loaded(digest, load_onnx(directory, digest=digest), quick=True, threads=self._threads)
        model = start_python_model(
            digest, package, lambda: self._cache.fetch(digest)[0], self._python, trusted=digest in self._trusted
        )
        return Loaded(digest, model, quick=False, threads=self._threads, batched=model)

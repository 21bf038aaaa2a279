"""What the model store says: which tokens may predict, and which routes there are. Read by the route table."""

import time
from collections.abc import Callable

from pydantic import ValidationError

from adapters.object_store.protocol import ObjectInfo, ObjectMissing, ObjectStore
from domain.deployments.specs import Routes, ServingAccess

_ACCESS_KEY = "access/tokens.json"
# A store may stamp objects by the second, so an object that changed a moment ago may change again unseen.
_SETTLE_SECONDS = 3.0


class StoreWatch:
    """Looks for what has changed, and tells: `on_routes` of routes, `on_gone` of an endpoint without any more.

    `on_problem` hears what cannot be read, by its key, and None once it can.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        on_routes: Callable[[Routes], None],
        on_gone: Callable[[str], None],
        on_problem: Callable[[str, str | None], None],
    ) -> None:
        self._store = store
        self._on_routes = on_routes
        self._on_gone = on_gone
        self._on_problem = on_problem
        self._stamps: dict[str, tuple[ObjectInfo, float]] = {}
        self._access_revision = -1
        self.tokens: frozenset[str] = frozenset()

    def look(self) -> None:
        """Raises Unavailable, StoreForbidden or OSError when the store is away; what was told before holds on."""
        self._read_access()
        self._read_routes()

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
            self._read(info)
            self._on_problem(_ACCESS_KEY, str(error))
            return
        self._read(info)
        self._on_problem(_ACCESS_KEY, None)
        if access.revision > self._access_revision:
            self._access_revision = access.revision
            self.tokens = frozenset(entry.token_sha256 for entry in access.tokens)

    def _read_routes(self) -> None:
        listed = {info.key: info for info in self._store.list("routes/") if info.key.endswith(".json")}
        for key, info in listed.items():
            if self._news(info):
                try:
                    self._read_one(key)
                    self._read(info)
                except ObjectMissing:
                    continue  # deleted since it was listed
        if listed or self._store.exists(_ACCESS_KEY):
            # An empty store looks the same as one that was unmounted: only a store with a sign of life can take away.
            for key in {key for key in self._stamps if key.startswith("routes/")} - set(listed):
                del self._stamps[key]
                self._on_problem(key, None)
                self._on_gone(_endpoint_of(key))

    def _read_one(self, key: str) -> None:
        try:
            routes = Routes.model_validate_json(self._store.get(key))
        except ValidationError as error:
            self._on_problem(key, f"{key} is not valid: {error}")
            return
        if routes.endpoint != _endpoint_of(key):
            self._on_problem(key, f"{key} is not valid: it names endpoint {routes.endpoint!r}")
            return
        self._on_problem(key, None)
        self._on_routes(routes)

    def _news(self, info: ObjectInfo) -> bool:
        """Whether the object may have changed since it was last read."""
        known = self._stamps.get(info.key)
        return known is None or known[0] != info or time.monotonic() - known[1] < _SETTLE_SECONDS

    def _read(self, info: ObjectInfo) -> None:
        """Notes that it has been read: not before, or a store that fails meanwhile would hide the change."""
        known = self._stamps.get(info.key)
        if known is None or known[0] != info:
            self._stamps[info.key] = (info, time.monotonic())


def _endpoint_of(key: str) -> str:
    return key.removeprefix("routes/").removesuffix(".json")

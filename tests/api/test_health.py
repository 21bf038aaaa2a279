"""Ready means: the database and the store answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectInfo, StoreForbidden, StoreFull, StoreUnavailable
from adapters.runtime import Runtime
from api.main import create_app
from domain.errors import DomainError
from tests.conftest import DoorTransport


class RefusingStore(LocalStore):
    refusal: Callable[[str], DomainError] = StoreUnavailable

    def info(self, key: str) -> ObjectInfo:
        raise type(self).refusal("The store says no.")


@pytest.mark.parametrize("refusal", [StoreUnavailable, StoreForbidden, StoreFull])
def test_is_not_ready_while_the_store_refuses(
    runtime: Runtime, portal: BlockingPortal, tmp_path: Path, refusal: type[DomainError]
) -> None:
    store = RefusingStore(tmp_path / "store")
    type(store).refusal = refusal
    transport = DoorTransport(create_app(replace(runtime, data=store)), portal)
    with httpx.Client(transport=transport, base_url="http://millrace") as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["store"]) == (503, "does not answer")

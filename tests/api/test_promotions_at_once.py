"""Promotions at once, through the door, with real threads: one champion, and the others are told."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx

from adapters.runtime import Runtime
from domain.access.actor import Role
from domain.access.service import create_token
from domain.datasets.queries import get_version
from domain.registry import service as registry
from domain.registry.queries import get_model
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions, decide, request, require_approval
from tests.finished_runs import finished_run

MANY = 100


def approve_all(client: httpx.Client, runtime: Runtime, promotions: list[str]) -> Counter[str]:
    """Approves all in one moment; the states they end in."""
    with runtime.transaction() as session:
        _, secret = create_token(session, name="eve", owner="eve", role=Role.APPROVER)
    start = Barrier(len(promotions))

    def approve(promotion_id: str) -> int:
        start.wait()
        headers = {"Authorization": f"Bearer {secret}"}
        return client.post(f"promotions/{promotion_id}/approve", headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(len(promotions)) as pool:
        # 409: the winner's commit had told it already that it is superseded
        assert set(pool.map(approve, promotions)) <= {200, 409}
    return Counter(client.get(f"promotions/{promotion_id}").json()["state"] for promotion_id in promotions)


def asked(runtime: Runtime, number_of: Callable[[int], int]) -> list[str]:
    with runtime.transaction(ANN) as session:
        require_approval(session)
        found = [request(session, number_of(index)) for index in range(MANY)]
    with runtime.transaction(ANN) as session:
        for promotion_id in found:
            decide(session, promotion_id)
    return found


@ON_BOTH_DATABASES
def test_of_a_hundred_versions_one_becomes_champion(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
        data, model = get_version(session, "d", 1), get_model(session, "m")
        for _ in range(MANY - 1):
            registry.add_version(session, model=model, run_id=finished_run(session, data))
    states = approve_all(client, runtime, asked(runtime, lambda index: index + 1))
    assert states == {"applied": 1, "superseded": MANY - 1}
    assert len(client.get("events", params={"type": "AliasMoved", "limit": 10}).json()["items"]) == 1


@ON_BOTH_DATABASES
def test_of_a_hundred_requests_for_one_version_one_is_applied(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
    promotions = asked(runtime, lambda _: 1)
    assert approve_all(client, runtime, promotions) == {"applied": 1, "superseded": MANY - 1}
    late = client.get("promotions", params={"state": "superseded", "limit": 1}).json()["items"][0]
    assert "Not applied: Version 1 became champion of 'm' meanwhile." in late["reason"]

"""Verbs of promotions on a real database."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from adapters.runtime import Runtime
from domain.datasets.queries import get_version as get_dataset_version
from domain.events.models import EventRow
from domain.events.queries import latest_of
from domain.jobs import service as jobs
from domain.promotions import service
from domain.promotions.models import Promotion
from domain.promotions.queries import get_promotion
from domain.promotions.service import ApproverIsAuthor, NotPromotable, WrongPromotionState
from domain.registry import service as registry
from domain.registry.models import RegisteredModel
from domain.registry.queries import alias_of, get_model, get_version
from domain.registry.service import archive_version
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, BOB, add_versions, decide, request, require_approval
from tests.finished_runs import finished_run


@pytest.fixture(autouse=True)
def versions(runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 2)


def champion(runtime: Runtime) -> int | None:
    with runtime.reading() as session:
        found = alias_of(session, get_model(session, "m"), "champion")
        return found.number if found else None


def read(runtime: Runtime, promotion_id: str) -> Promotion:
    with runtime.reading() as session:
        return get_promotion(session, promotion_id)


def events(runtime: Runtime, *types: str) -> list[EventRow]:
    with runtime.reading() as session:
        return latest_of(session, list(types), limit=100)


def asked(runtime: Runtime, number: int = 1) -> str:
    with runtime.transaction(ANN) as session:
        return request(session, number)


class TestRequest:
    def test_keeps_policy_and_champion_of_the_moment(self, runtime: Runtime) -> None:
        promotion_id = asked(runtime)
        with runtime.transaction(ANN) as session:
            model = session.get_one(RegisteredModel, read(runtime, promotion_id).model_id)
            registry.set_policy(session, model=model, policy={"gates": [], "approval": "required"})
        promotion = read(runtime, promotion_id)
        assert (promotion.policy["approval"], promotion.policy_version) == ("automatic", 1)
        assert promotion.champion_version_id is None
        assert promotion.requested_by == "ann"

    def test_the_same_key_is_the_same_promotion_even_when_it_has_been_applied(self, runtime: Runtime) -> None:
        with runtime.transaction(ANN) as session:
            first, job = service.request(session, model="m", number=1, key="k")
        with runtime.transaction(ANN) as session:
            decide(session, first.id)
        assert champion(runtime) == 1
        with runtime.transaction(ANN) as session:
            again, same = service.request(session, model="m", number=1, key="k")
        assert (again.id, same.id) == (first.id, job.id)

    def test_refuses_an_archived_version(self, runtime: Runtime) -> None:
        with runtime.transaction(ANN) as session:
            archive_version(session, version_id=get_version(session, "m", 2).id)
        with pytest.raises(NotPromotable, match="m version 2 is archived"), runtime.transaction(ANN) as session:
            request(session, 2)

    def test_refuses_the_champion(self, runtime: Runtime) -> None:
        promotion_id = asked(runtime)
        with runtime.transaction() as session:
            decide(session, promotion_id)
        with pytest.raises(NotPromotable, match="is the champion already"), runtime.transaction(ANN) as session:
            request(session, 1)


class TestDecision:
    def test_a_pass_without_endpoints_moves_the_alias_at_once(self, runtime: Runtime) -> None:
        promotion_id = asked(runtime)
        with runtime.transaction() as session:
            decide(session, promotion_id)
        assert (champion(runtime), read(runtime, promotion_id).state) == (1, "applied")

    @pytest.mark.parametrize(("verdict", "state"), [("fail", "failed"), ("inconclusive", "inconclusive")])
    def test_anything_else_leaves_the_champion(self, runtime: Runtime, verdict: str, state: str) -> None:
        promotion_id = asked(runtime)
        with runtime.transaction() as session:
            decide(session, promotion_id, verdict=verdict)
        promotion = read(runtime, promotion_id)
        assert (champion(runtime), promotion.state, promotion.reason) == (None, state, f"it came to {verdict}.")

    def test_is_recorded_once(self, runtime: Runtime) -> None:
        promotion_id = asked(runtime)
        for verdict in ("fail", "pass"):
            with runtime.transaction() as session:
                decide(session, promotion_id, verdict=verdict)
        assert read(runtime, promotion_id).state == "failed"
        assert len(events(runtime, "PromotionDecided")) == 1

    def test_evidence_that_cannot_be_gathered_leaves_it_open(self, runtime: Runtime) -> None:
        promotion_id = asked(runtime)
        with runtime.transaction() as session:
            jobs.cancel(session, read(runtime, promotion_id).job_id, reason="no time")
        promotion = read(runtime, promotion_id)
        assert (promotion.state, promotion.reason) == (
            "inconclusive",
            "The evidence could not be gathered: no time",
        )

    def test_stands_when_another_version_became_champion_meanwhile(self, runtime: Runtime) -> None:
        first, second = asked(runtime, 1), asked(runtime, 2)
        for promotion_id in (first, second):
            with runtime.transaction() as session:
                decide(session, promotion_id)
        late = read(runtime, second)
        assert champion(runtime) == 1
        assert (late.state, late.decision is not None) == ("superseded", True)
        assert "Not applied: Version 1 became champion of 'm' meanwhile." in late.reason
        assert [event.payload["number"] for event in events(runtime, "PromotionNotApplied")] == [2]


class TestApproval:
    @pytest.fixture
    def waiting(self, runtime: Runtime) -> str:
        with runtime.transaction(ANN) as session:
            require_approval(session)
        promotion_id = asked(runtime)
        with runtime.transaction(ANN) as session:
            decide(session, promotion_id)
        return promotion_id

    def test_is_waited_for(self, runtime: Runtime, waiting: str) -> None:
        assert (read(runtime, waiting).state, champion(runtime)) == ("awaiting_approval", None)

    def test_is_not_the_authors_to_give(self, runtime: Runtime, waiting: str) -> None:
        with pytest.raises(ApproverIsAuthor), runtime.transaction(ANN) as session:
            service.approve(session, promotion_id=waiting)
        assert read(runtime, waiting).state == "awaiting_approval"

    def test_of_a_colleague_applies(self, runtime: Runtime, waiting: str) -> None:
        with runtime.transaction(BOB) as session:
            service.approve(session, promotion_id=waiting)
        promotion = read(runtime, waiting)
        assert (promotion.state, promotion.approver, champion(runtime)) == ("applied", "bob", 1)

    def test_refused_keeps_the_reason_and_the_champion(self, runtime: Runtime, waiting: str) -> None:
        with runtime.transaction(BOB) as session:
            service.reject(session, promotion_id=waiting, reason="not on a Friday")
        promotion = read(runtime, waiting)
        assert (promotion.state, promotion.reason, champion(runtime)) == ("rejected", "not on a Friday", None)

    @pytest.mark.parametrize("verb", [service.approve, service.reject])
    def test_cannot_be_given_or_refused_twice(self, runtime: Runtime, waiting: str, verb: Any) -> None:
        with runtime.transaction(BOB) as session:
            service.approve(session, promotion_id=waiting)
        more = {"reason": "late"} if verb is service.reject else {}
        with pytest.raises(WrongPromotionState, match="is applied"), runtime.transaction(BOB) as session:
            verb(session, promotion_id=waiting, **more)


@ON_BOTH_DATABASES
def test_of_twenty_promotions_at_once_exactly_one_is_applied(runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        data = get_dataset_version(session, "d", 1)
        model = get_model(session, "m")
        for _ in range(18):
            registry.add_version(session, model=model, run_id=finished_run(session, data))
        asked = [request(session, number) for number in range(1, 21)]
    start = Barrier(len(asked))

    def decide_now(promotion_id: str) -> None:
        start.wait()
        with runtime.transaction() as session:
            decide(session, promotion_id)

    with ThreadPoolExecutor(len(asked)) as pool:
        list(pool.map(decide_now, asked))
    states = Counter(read(runtime, promotion_id).state for promotion_id in asked)
    assert states == {"applied": 1, "superseded": 19}
    assert len(events(runtime, "AliasMoved")) == 1

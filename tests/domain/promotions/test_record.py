"""What was decided stays: no way through the service layer changes it. Overrides and refusals by persons."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, update

from adapters.runtime import Runtime
from domain.promotions import service
from domain.promotions.evidence import digest_of
from domain.promotions.models import AlphaSpend, Promotion, RecordIsFinal
from domain.promotions.queries import get_promotion, overridden_by
from domain.promotions.service import NotPromotable, VersionRejected, WrongPromotionState, record_of
from domain.registry import service as registry
from domain.registry.queries import alias_of, get_model, get_version
from domain.registry.service import archive_version
from tests.domain.deployments.versions import ANN, BOB, add_versions, decide, request, require_approval


@pytest.fixture
def failed(runtime: Runtime) -> str:
    return decided(runtime, "fail")


def decided(runtime: Runtime, verdict: str) -> str:
    with runtime.transaction(ANN) as session:
        add_versions(session, 2)
        promotion_id = request(session, 1)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id, verdict=verdict)
    return promotion_id


def read(runtime: Runtime, promotion_id: str) -> Promotion:
    with runtime.reading() as session:
        return get_promotion(session, promotion_id)


class TestRecord:
    def test_its_digest_is_over_all_of_it(self, runtime: Runtime, failed: str) -> None:
        promotion = read(runtime, failed)
        assert promotion.record_digest == digest_of(record_of(promotion))
        assert digest_of(record_of(promotion) | {"author": "bob"}) != promotion.record_digest

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("evidence", {"made": "up"}),
            ("decision", {"verdict": "pass"}),
            ("decision", None),
            ("policy", {"gates": []}),
            ("record_digest", "0" * 64),
            ("requested_by", "bob"),
            ("decided_at", datetime(2020, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_cannot_be_changed(self, runtime: Runtime, failed: str, name: str, value: Any) -> None:
        before = digest_of(record_of(read(runtime, failed)))
        with pytest.raises(RecordIsFinal), runtime.transaction(ANN) as session:
            setattr(get_promotion(session, failed), name, value)
        assert digest_of(record_of(read(runtime, failed))) == before

    @pytest.mark.parametrize("statement", [update(Promotion).values(reason="x"), delete(Promotion), delete(AlphaSpend)])
    def test_takes_no_statements(self, runtime: Runtime, failed: str, statement: Any) -> None:
        with pytest.raises(RecordIsFinal), runtime.transaction(ANN) as session:
            session.execute(statement)

    def test_cannot_be_deleted(self, runtime: Runtime, failed: str) -> None:
        with pytest.raises(RecordIsFinal), runtime.transaction(ANN) as session:
            session.delete(get_promotion(session, failed))


class TestOverride:
    @pytest.mark.parametrize("verdict", ["fail", "inconclusive"])
    def test_goes_live_and_is_marked_for_ever(self, runtime: Runtime, verdict: str) -> None:
        promotion_id = decided(runtime, verdict)
        with runtime.transaction(BOB) as session:
            service.override(session, promotion_id=promotion_id, reason="the old one is on fire")
        promotion = read(runtime, promotion_id)
        assert (promotion.state, promotion.overridden_by) == ("applied", "bob")
        assert promotion.decision is not None
        assert promotion.decision["verdict"] == verdict
        with runtime.reading() as session:
            champion = alias_of(session, get_model(session, "m"), "champion")
            assert champion is not None
            assert (champion.number, overridden_by(session, champion.id)) == (1, "bob")

    def test_not_of_what_passed(self, runtime: Runtime) -> None:
        promotion_id = decided(runtime, "pass")
        with pytest.raises(WrongPromotionState, match="is applied"), runtime.transaction(BOB) as session:
            service.override(session, promotion_id=promotion_id, reason="r")

    def test_not_of_an_archived_version(self, runtime: Runtime, failed: str) -> None:
        with runtime.transaction(ANN) as session:
            archive_version(session, version_id=get_version(session, "m", 1).id)
        with pytest.raises(NotPromotable, match="is archived"), runtime.transaction(BOB) as session:
            service.override(session, promotion_id=failed, reason="r")

    def test_against_another_champion_is_superseded(self, runtime: Runtime, failed: str) -> None:
        with runtime.transaction(ANN) as session:
            other = request(session, 2)
        with runtime.transaction(ANN) as session:
            decide(session, other)
        with runtime.transaction(BOB) as session:
            service.override(session, promotion_id=failed, reason="r")
        assert read(runtime, failed).state == "superseded"


def test_what_a_person_rejected_is_not_asked_again_under_the_same_policy(runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
        require_approval(session)
        promotion_id = request(session, 1)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)
    with runtime.transaction(BOB) as session:
        service.reject(session, promotion_id=promotion_id, reason="biased")
    told = "rejected by bob under this policy: biased"
    with pytest.raises(VersionRejected, match=told) as refusal, runtime.transaction(ANN) as session:
        request(session, 1)
    assert refusal.value.fix is not None
    with runtime.transaction(ANN) as session:
        model = get_model(session, "m", lock=True)
        registry.set_policy(session, model=model, policy={"gates": [], "approval": "automatic"})
    with runtime.transaction(ANN) as session:
        request(session, 1)

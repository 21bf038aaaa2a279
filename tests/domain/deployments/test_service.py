"""Verbs of deployments on a real database: what a switch moves, and what stands in its way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from adapters.runtime import Runtime
from domain.deployments import service
from domain.deployments.models import Endpoint, Rollout
from domain.deployments.queries import active_rollout, get_endpoint, get_rollout, routes_of
from domain.deployments.refusals import (
    AlreadyLive,
    EndpointMoved,
    ModelFixed,
    NothingToRollBack,
    NotProven,
    RolloutInProgress,
    VersionIsArchived,
    WrongRolloutState,
)
from domain.deployments.specs import EndpointSettings
from domain.errors import Conflict
from domain.jobs.queries import get_job
from domain.promotions.queries import get_promotion
from domain.registry.queries import alias_of, get_model, get_version
from domain.registry.service import AliasConflict, archive_version, create_model, move_alias
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions, decide, request

Live = tuple[int | None, int | None, bool]


@pytest.fixture(autouse=True)
def endpoint(runtime: Runtime) -> None:
    """Endpoint `e` of a model with four versions, none of which is live."""
    with runtime.transaction(ANN) as session:
        add_versions(session, 4)
        service.put_endpoint(session, name="e", model="m", settings=EndpointSettings())


def promote(runtime: Runtime, number: int) -> str:
    with runtime.transaction(ANN) as session:
        promotion_id = request(session, number)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)
    return promotion_id


def rolling(runtime: Runtime, name: str = "e") -> str:
    """The id of the rollout under way."""
    with runtime.reading() as session:
        found = active_rollout(session, get_endpoint(session, name).id)
        assert found is not None
        return found.id


def switch(runtime: Runtime, rollout_id: str) -> None:
    with runtime.transaction(ANN) as session:
        service.loaded(session, rollout_id=rollout_id)
        service.switch(session, rollout_id=rollout_id, probe={"rows": 1})


def go_live(runtime: Runtime, *numbers: int) -> None:
    for number in numbers:
        promote(runtime, number)
        switch(runtime, rolling(runtime))


def roll_back(runtime: Runtime, name: str = "e") -> None:
    with runtime.transaction(ANN) as session:
        service.rollback(session, endpoint=name, reason="worse")


def live(runtime: Runtime, name: str = "e") -> Live:
    """Live version, standby version, and whether there is something to roll back to."""
    with runtime.reading() as session:
        found = get_endpoint(session, name)
        by_role = {target.role: target.version for target in routes_of(session, found).targets}
        return by_role.get("live"), by_role.get("standby"), found.can_roll_back


def champion(runtime: Runtime) -> int | None:
    with runtime.reading() as session:
        found = alias_of(session, get_model(session, "m"), "champion")
        return found.number if found else None


def rollout_of(runtime: Runtime, rollout_id: str) -> Rollout:
    with runtime.reading() as session:
        return get_rollout(session, rollout_id)


class TestPutEndpoint:
    def test_rolls_out_the_champion_to_a_new_one(self, runtime: Runtime) -> None:
        go_live(runtime, 1)
        with runtime.transaction(ANN) as session:
            service.put_endpoint(session, name="other", model="m", settings=EndpointSettings())
        switch(runtime, rolling(runtime, "other"))
        assert (live(runtime, "other"), champion(runtime)) == ((1, None, False), 1)

    def test_changed_settings_are_a_revision_and_equal_ones_are_not(self, runtime: Runtime) -> None:
        revisions = []
        for settings in (EndpointSettings(record=False), EndpointSettings(record=False)):
            with runtime.transaction(ANN) as session:
                found, created = service.put_endpoint(session, name="e", model="m", settings=settings)
                assert not created
                revisions.append(found.revision)
        assert revisions == [2, 2]

    def test_keeps_its_model(self, runtime: Runtime) -> None:
        with runtime.transaction(ANN) as session:
            create_model(session, name="n", task="regression", target="y")
        with pytest.raises(ModelFixed), runtime.transaction(ANN) as session:
            service.put_endpoint(session, name="e", model="n", settings=EndpointSettings())


class TestSwitch:
    def test_moves_alias_routes_promotion_and_rollout_together(self, runtime: Runtime) -> None:
        promotion_id = promote(runtime, 1)
        rollout_id = rolling(runtime)
        assert (live(runtime), champion(runtime)) == ((None, 1, False), None)
        switch(runtime, rollout_id)
        assert (live(runtime), champion(runtime)) == ((1, None, False), 1)
        assert rollout_of(runtime, rollout_id).state == "switched"
        with runtime.reading() as session:
            assert get_promotion(session, promotion_id).state == "applied"

    def test_keeps_blue_warm_and_retires_its_rollout(self, runtime: Runtime) -> None:
        promote(runtime, 1)
        first = rolling(runtime)
        switch(runtime, first)
        go_live(runtime, 2)
        assert (live(runtime), champion(runtime)) == ((2, 1, True), 2)
        assert rollout_of(runtime, first).state == "retired"

    def test_moves_nothing_when_the_champion_was_moved_meanwhile(self, runtime: Runtime) -> None:
        go_live(runtime, 1)
        promotion_id = promote(runtime, 2)
        rollout_id = rolling(runtime)
        with runtime.transaction(ANN) as session:
            first, third = (get_version(session, "m", number) for number in (1, 3))
            model = get_model(session, "m")
            move_alias(session, model=model, alias="champion", version=third, expected=first.id)
        with pytest.raises(AliasConflict):
            switch(runtime, rollout_id)
        assert (live(runtime), champion(runtime)) == ((1, 2, False), 3)
        assert rollout_of(runtime, rollout_id).state == "preparing"
        with runtime.reading() as session:
            assert get_promotion(session, promotion_id).state == "passed"

    def test_needs_green_to_be_loaded(self, runtime: Runtime) -> None:
        promote(runtime, 1)
        rollout_id = rolling(runtime)
        with pytest.raises(WrongRolloutState), runtime.transaction(ANN) as session:
            service.switch(session, rollout_id=rollout_id, probe={})

    @ON_BOTH_DATABASES
    def test_of_twenty_at_once_exactly_one_wins(self, runtime: Runtime) -> None:
        promote(runtime, 1)
        rollout_id = rolling(runtime)
        with runtime.transaction(ANN) as session:
            service.loaded(session, rollout_id=rollout_id)
        won = at_once(lambda: _switch_loaded(runtime, rollout_id), 20)
        assert (won, live(runtime), champion(runtime)) == (1, (1, None, False), 1)


def _switch_loaded(runtime: Runtime, rollout_id: str) -> None:
    with runtime.transaction(ANN) as session:
        service.switch(session, rollout_id=rollout_id, probe={})


def at_once(act: Callable[[], object], threads: int) -> int:
    """How many of so many threads were not refused."""
    start = Barrier(threads)

    def run(_: int) -> bool:
        start.wait()
        try:
            act()
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(run, range(threads)))


class TestStartRollout:
    def test_refuses_what_has_not_passed(self, runtime: Runtime) -> None:
        with pytest.raises(NotProven, match="has not passed the gates"), runtime.transaction(ANN) as session:
            service.start_rollout(session, endpoint="e", number=3)

    def test_refuses_a_second_one_while_one_is_under_way(self, runtime: Runtime) -> None:
        go_live(runtime, 1)
        promote(runtime, 2)
        with pytest.raises(RolloutInProgress, match="is preparing"), runtime.transaction(ANN) as session:
            service.start_rollout(session, endpoint="e", number=1)

    def test_refuses_what_is_live(self, runtime: Runtime) -> None:
        go_live(runtime, 1)
        with pytest.raises(AlreadyLive), runtime.transaction(ANN) as session:
            service.start_rollout(session, endpoint="e", number=1)

    def test_refuses_an_archived_version(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        with runtime.transaction(ANN) as session:
            archive_version(session, version_id=get_version(session, "m", 1).id)
        with pytest.raises(VersionIsArchived), runtime.transaction(ANN) as session:
            service.start_rollout(session, endpoint="e", number=1)

    def test_the_same_key_is_the_same_rollout_before_and_after_the_switch(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        found = []
        for _ in range(3):
            with runtime.transaction(ANN) as session:
                rollout, job = service.start_rollout(session, endpoint="e", number=1, key="again")
                found.append((rollout.id, job.id))
            if len(found) == 2:
                switch(runtime, rollout.id)
        assert len(set(found)) == 1

    @ON_BOTH_DATABASES
    def test_of_twenty_at_once_exactly_one_begins(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)

        def start() -> None:
            with runtime.transaction(ANN) as session:
                service.start_rollout(session, endpoint="e", number=1)

        assert at_once(start, 20) == 1


class TestApplyPromotion:
    def test_waits_for_nobody_but_says_what_is_in_the_way(self, runtime: Runtime) -> None:
        promote(runtime, 1)
        promotion_id = promote(runtime, 2)
        with runtime.reading() as session:
            late = get_promotion(session, promotion_id)
        assert late.state == "passed"
        assert "Not applied: Rollout" in late.reason
        assert "Wait for it, or abort it." in late.reason

    def test_rolls_out_to_all_endpoints_or_to_none(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        with runtime.transaction(ANN) as session:
            service.put_endpoint(session, name="other", model="m", settings=EndpointSettings())
        promote(runtime, 3)  # `other` is still being given version 2
        with runtime.reading() as session:
            assert active_rollout(session, get_endpoint(session, "e").id) is None
        switch(runtime, rolling(runtime, "other"))
        promote(runtime, 3)
        for name in ("e", "other"):
            switch(runtime, rolling(runtime, name))
        assert (live(runtime)[:2], live(runtime, "other")[:2], champion(runtime)) == ((3, 2), (3, 2), 3)


class TestRollback:
    def test_goes_back_in_one_commit(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        roll_back(runtime)
        assert (live(runtime), champion(runtime)) == ((1, 2, False), 1)

    def test_refuses_second_rollback(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        roll_back(runtime)
        with pytest.raises(NothingToRollBack):
            roll_back(runtime)

    def test_refuses_with_one_version_only(self, runtime: Runtime) -> None:
        go_live(runtime, 1)
        with pytest.raises(NothingToRollBack):
            roll_back(runtime)

    def test_refuses_while_rolling_out(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        promote(runtime, 3)
        with pytest.raises(RolloutInProgress):
            roll_back(runtime)

    def test_can_be_followed_by_a_roll_forward(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        roll_back(runtime)
        with runtime.transaction(ANN) as session:
            rollout, _ = service.start_rollout(session, endpoint="e", number=2)
        switch(runtime, rollout.id)
        assert (live(runtime), champion(runtime)) == ((2, 1, True), 2)

    def test_works_for_each_endpoint_of_a_model_and_moves_the_alias_once(self, runtime: Runtime) -> None:
        go_live(runtime, 1)
        with runtime.transaction(ANN) as session:
            service.put_endpoint(session, name="other", model="m", settings=EndpointSettings())
        switch(runtime, rolling(runtime, "other"))
        promote(runtime, 2)
        for name in ("e", "other"):
            switch(runtime, rolling(runtime, name))
        roll_back(runtime)
        assert champion(runtime) == 1
        roll_back(runtime, "other")
        assert (live(runtime, "other"), champion(runtime)) == ((1, 2, False), 1)

    @ON_BOTH_DATABASES
    def test_of_twenty_at_once_exactly_one_wins(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        assert at_once(lambda: roll_back(runtime), 20) == 1
        assert live(runtime) == (1, 2, False)


class TestAbort:
    def test_leaves_blue_and_the_way_back(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        promote(runtime, 3)
        rollout_id = rolling(runtime)
        with runtime.transaction(ANN) as session:
            service.abort(session, rollout_id=rollout_id, reason="changed my mind")
        assert (live(runtime), champion(runtime)) == ((2, 1, True), 2)
        found = rollout_of(runtime, rollout_id)
        assert (found.state, found.reason) == ("aborted", "changed my mind")
        with runtime.reading() as session:
            assert get_job(session, found.job_id).state == "cancelled"

    def test_after_a_rollback_leaves_nothing_to_roll_back_to(self, runtime: Runtime) -> None:
        go_live(runtime, 1, 2)
        roll_back(runtime)
        promote(runtime, 3)
        with runtime.transaction(ANN) as session:
            service.abort(session, rollout_id=rolling(runtime), reason="no")
        assert live(runtime) == (1, None, False)

    def test_refuses_what_has_switched(self, runtime: Runtime) -> None:
        promote(runtime, 1)
        rollout_id = rolling(runtime)
        switch(runtime, rollout_id)
        with pytest.raises(WrongRolloutState, match="is switched; only one"), runtime.transaction(ANN) as session:
            service.abort(session, rollout_id=rollout_id, reason="late")

    def test_a_switch_after_it_is_refused(self, runtime: Runtime) -> None:
        promote(runtime, 1)
        rollout_id = rolling(runtime)
        with runtime.transaction(ANN) as session:
            service.loaded(session, rollout_id=rollout_id)
            service.abort(session, rollout_id=rollout_id, reason="no")
        with pytest.raises(WrongRolloutState):
            _switch_loaded(runtime, rollout_id)
        assert live(runtime) == (None, None, False)

    def test_of_a_rollout_whose_endpoint_moved_is_what_remains(self, runtime: Runtime) -> None:
        """Nothing in the code moves an endpoint during a rollout; the switch does not rely on it."""
        promote(runtime, 1)
        rollout_id = rolling(runtime)
        with runtime.transaction(ANN) as session:
            service.loaded(session, rollout_id=rollout_id)
            moved = session.get_one(Endpoint, get_endpoint(session, "e").id)
            moved.live_version_id = get_version(session, "m", 4).id
        with pytest.raises(EndpointMoved):
            _switch_loaded(runtime, rollout_id)

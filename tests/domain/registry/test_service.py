"""Aliases move by compare-and-swap, and versions are numbered one after the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.runtime import Runtime
from domain.datasets.models import DatasetVersion
from domain.db import WriteSession
from domain.events.queries import EventFilter, list_events
from domain.pages import PageRequest
from domain.registry import queries, service
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.service import AliasConflict, VersionAliased
from domain.registry.states import VersionState
from tests.conftest import ON_BOTH_DATABASES, RecordingQueue
from tests.finished_runs import finished_run, make_data

pytestmark = ON_BOTH_DATABASES


@pytest.fixture
def data(runtime: Runtime) -> DatasetVersion:
    with runtime.transaction() as session:
        service.create_model(session, name="m", task="regression", target="y")
        return make_data(session)


@pytest.fixture
def versions(runtime: Runtime, data: DatasetVersion) -> list[ModelVersion]:
    """Three versions of the model `m`."""
    with runtime.transaction() as session:
        model = queries.get_model(session, "m")
        return [service.add_version(session, model=model, run_id=finished_run(session, data)) for _ in range(3)]


def point(session: WriteSession, version: ModelVersion, expected: str | None) -> None:
    model = queries.get_model(session, "m")
    service.move_alias(session, model=model, alias="champion", version=version, expected=expected)


class TestVersions:
    def test_are_numbered_densely(self, runtime: Runtime, versions: list[ModelVersion]) -> None:
        assert [version.number for version in versions] == [1, 2, 3]
        with runtime.reading() as session:
            model = queries.get_model(session, "m")
            assert model.versions == 3
            newest = queries.newest_version(session, model)
            assert newest is not None
            assert newest.number == 3

    def test_a_failed_transaction_takes_no_number(self, runtime: Runtime, data: DatasetVersion) -> None:
        with pytest.raises(AliasConflict), runtime.transaction() as session:
            self.add_and_lose(session, data)
        with runtime.transaction() as session:
            run_id = finished_run(session, data)
            version = service.add_version(session, model=queries.get_model(session, "m"), run_id=run_id)
        assert version.number == 1

    @staticmethod
    def add_and_lose(session: WriteSession, data: DatasetVersion) -> None:
        version = service.add_version(
            session, model=queries.get_model(session, "m"), run_id=finished_run(session, data)
        )
        point(session, version, expected="somebody else")


class TestMoveAlias:
    def test_sets_and_moves_it_and_says_so(
        self, runtime: Runtime, versions: list[ModelVersion], queue: RecordingQueue
    ) -> None:
        queue.nudged.clear()
        with runtime.transaction() as session:
            point(session, versions[0], expected=None)
        with runtime.transaction() as session:
            point(session, versions[2], expected=versions[0].id)
        with runtime.reading() as session:
            champion = queries.alias_of(session, queries.get_model(session, "m"), "champion")
            events = list_events(session, PageRequest(), EventFilter(types=("AliasMoved",))).items
        assert champion is not None
        assert champion.number == 3
        moves = [(event.payload["number"], event.payload["previous"]) for event in reversed(events)]
        assert moves == [(1, None), (3, 1)]
        assert len(queue.nudged) == 2  # the mirror in MLflow, once per move

    @pytest.mark.parametrize("seen", ["none", "another"])
    def test_is_refused_to_who_saw_it_elsewhere(
        self, runtime: Runtime, versions: list[ModelVersion], seen: str
    ) -> None:
        with runtime.transaction() as session:
            point(session, versions[0], expected=None)
        with pytest.raises(AliasConflict), runtime.transaction() as session:
            point(session, versions[1], expected=None if seen == "none" else versions[2].id)
        with runtime.reading() as session:
            assert queries.aliases_of(session, queries.get_model(session, "m")) == {"champion": 1}

    def test_is_refused_to_who_expects_one_that_was_never_set(
        self, runtime: Runtime, versions: list[ModelVersion]
    ) -> None:
        with pytest.raises(AliasConflict), runtime.transaction() as session:
            point(session, versions[1], expected=versions[0].id)

    def test_its_version_cannot_be_archived(self, runtime: Runtime, versions: list[ModelVersion]) -> None:
        with runtime.transaction() as session:
            point(session, versions[0], expected=None)
        with pytest.raises(VersionAliased), runtime.transaction() as session:
            service.archive_version(session, version_id=versions[0].id)
        with runtime.reading() as session:
            assert queries.get_version(session, "m", 1).state == VersionState.REGISTERED


class TestAtTheSameMoment:
    def test_one_of_many_moves_the_alias(self, runtime: Runtime, versions: list[ModelVersion]) -> None:
        def move(version: ModelVersion) -> bool:
            try:
                with runtime.transaction() as session:
                    point(session, version, expected=None)
            except AliasConflict:
                return False
            return True

        with ThreadPoolExecutor(3) as threads:
            assert sorted(threads.map(move, versions)) == [False, False, True]

    def test_versions_stay_dense(self, runtime: Runtime, data: DatasetVersion) -> None:
        with runtime.transaction() as session:
            run_ids = [finished_run(session, data) for _ in range(6)]

        def add(run_id: str) -> int:
            with runtime.transaction() as session:
                model = queries.get_model(session, "m")
                return service.add_version(session, model=model, run_id=run_id).number

        with ThreadPoolExecutor(6) as threads:
            assert sorted(threads.map(add, run_ids)) == [1, 2, 3, 4, 5, 6]


def test_origin_is_the_run_with_its_data(runtime: Runtime, versions: list[ModelVersion], data: DatasetVersion) -> None:
    with runtime.reading() as session:
        version = queries.get_version(session, "m", 2)
        origin = queries.origin_of(session, version)
        assert session.get_one(RegisteredModel, version.model_id).name == "m"
    assert (origin.run.id, origin.experiment.name) == (versions[1].run_id, "e")
    assert (origin.data.id, origin.data.dataset.name) == (data.id, "d")

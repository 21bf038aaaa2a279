"""Versions on a real database: numbers without gaps, one version per content, verdicts told once, references."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import md5

import pytest

from adapters.runtime import Runtime
from domain.datasets import queries, service
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import NothingValidated, UnknownDataset, UnknownVersion
from domain.datasets.specs import UploadSource
from domain.datasets.states import VersionState
from domain.events.queries import latest_of
from tests.conftest import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES


def add(runtime: Runtime, content: str, name: str = "a") -> tuple[DatasetVersion, bool]:
    entry = ManifestEntry("x.csv", md5(content.encode(), usedforsecurity=False).hexdigest(), len(content))
    with runtime.transaction() as session:
        return service.add_version(session, dataset=name, entries=[entry], source=UploadSource())


def settle(runtime: Runtime, version: DatasetVersion, *reasons: str) -> None:
    with runtime.transaction() as session:
        if reasons:
            service.reject_version(session, version_id=version.id, reasons=list(reasons))
        else:
            service.validate_version(session, version_id=version.id)


@pytest.fixture(autouse=True)
def dataset(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        service.create_dataset(session, name="a")


class TestAddVersion:
    def test_numbers_have_no_gaps_under_many_writers(self, runtime: Runtime) -> None:
        contents = [str(number % 12) for number in range(24)]  # each content is sent twice
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda content: add(runtime, content), contents))
        assert sorted(version.number for version, created in results if created) == list(range(1, 13))
        assert len({version.id for version, _ in results}) == 12

    def test_the_same_content_in_another_dataset_is_another_version(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            service.create_dataset(session, name="b")
        assert [add(runtime, "1", name)[1] for name in ("a", "b")] == [True, True]


class TestVerdict:
    def test_is_told_once(self, runtime: Runtime) -> None:
        version, _ = add(runtime, "1")
        for _ in range(2):
            settle(runtime, version)
        with runtime.reading() as session:
            assert len(latest_of(session, ["DatasetVersionValidated"], limit=10)) == 1

    def test_may_be_overturned(self, runtime: Runtime) -> None:
        version, _ = add(runtime, "1")
        settle(runtime, version)
        settle(runtime, version, "too old")
        with runtime.reading() as session:
            found = queries.get_version(session, "a", 1)
            assert (found.state, found.reasons) == (VersionState.REJECTED, ["too old"])


class TestResolve:
    def test_a_name_is_its_newest_validated_version(self, runtime: Runtime) -> None:
        versions = [add(runtime, str(number))[0] for number in range(3)]
        settle(runtime, versions[0])
        settle(runtime, versions[1])
        settle(runtime, versions[2], "bad")
        with runtime.reading() as session:
            assert queries.resolve(session, "a").number == 2
            assert queries.resolve(session, "a@3").number == 3
            previous = queries.previous_validated(session, queries.get_version(session, "a", 3))
            assert previous is not None
            assert previous.number == 2
            assert queries.previous_validated(session, queries.get_version(session, "a", 1)) is None

    def test_what_means_nothing_is_refused(self, runtime: Runtime) -> None:
        add(runtime, "1")
        with runtime.reading() as session:
            with pytest.raises(NothingValidated):
                queries.resolve(session, "a")
            with pytest.raises(UnknownVersion):
                queries.resolve(session, "a@2")
            with pytest.raises(UnknownDataset):
                queries.resolve(session, "b")

"""Declared recipes on a real database: circles that two writers would close, and builds that overtake each other."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import md5

import pytest

from adapters.runtime import Runtime
from domain.datasets import declared, queries, service
from domain.datasets.declared import RecipeCycle
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import DatasetVersion
from domain.datasets.recipes import BuiltRecipe, DeclaredRecipe
from domain.datasets.specs import UploadSource
from tests.conftest import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES


def entry(content: str) -> ManifestEntry:
    return ManifestEntry("x.csv", md5(content.encode(), usedforsecurity=False).hexdigest(), len(content))


def add(runtime: Runtime, name: str, content: str) -> DatasetVersion:
    with runtime.transaction() as session:
        version, _ = service.add_version(session, dataset=name, entries=[entry(content)], source=UploadSource())
        service.validate_version(session, version_id=version.id)
        return version


def declare(runtime: Runtime, name: str, *concat: str) -> str:
    """`declared`, or the message of the refusal."""
    with runtime.transaction() as session:
        recipe = DeclaredRecipe(concat=list(concat))
        try:
            declared.declare(session, dataset=declared.lock(session, name, recipe), recipe=recipe)
        except RecipeCycle as cycle:
            return cycle.message
    return "declared"


@pytest.fixture(autouse=True)
def datasets(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        for name in ("a", "b", "c"):
            service.create_dataset(session, name=name)


class TestDeclare:
    def test_of_two_that_follow_each_other_at_once_one_is_refused(self, runtime: Runtime) -> None:
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda pair: declare(runtime, *pair), [("a", "b"), ("b", "a")]))
        assert sorted(word.partition(":")[0] for word in told) == ["Each build would set off the next", "declared"]

    def test_a_long_way_round_is_a_circle_too(self, runtime: Runtime) -> None:
        assert declare(runtime, "a", "b") == declare(runtime, "b", "c") == "declared"
        assert "'c' follows 'a', 'a' follows 'b', 'b' follows 'c'" in declare(runtime, "c", "a")

    def test_two_ways_to_one_source_are_none(self, runtime: Runtime) -> None:
        assert declare(runtime, "b", "c") == "declared"
        assert declare(runtime, "a", "b", "c") == "declared"

    def test_what_was_followed_before_does_not_count(self, runtime: Runtime) -> None:
        assert declare(runtime, "a", "b") == declare(runtime, "a", "c") == declare(runtime, "b", "a") == "declared"


class TestOvertaken:
    def record(self, runtime: Runtime, content: str, after: DatasetVersion) -> DatasetVersion:
        with runtime.transaction() as session:
            return service.record_build(
                session,
                job_id="j",
                dataset="a",
                entries=[entry(content)],
                rows=1,
                source=BuiltRecipe(concat=[f"b@{after.number}"]),
                message="",
                parents=[after],
                after=after,
            )

    def test_a_slow_build_of_older_rows_is_no_newer_version(self, runtime: Runtime) -> None:
        old, new = add(runtime, "b", "1"), add(runtime, "b", "2")
        quick = self.record(runtime, "from new", new)
        assert self.record(runtime, "from old", old).id == quick.id
        with runtime.reading() as session:
            assert queries.get_dataset(session, "a").versions == 1

    def test_builds_in_order_are_versions_each(self, runtime: Runtime) -> None:
        for content in ("1", "2"):
            self.record(runtime, f"from {content}", add(runtime, "b", content))
        with runtime.reading() as session:
            assert queries.get_dataset(session, "a").versions == 2

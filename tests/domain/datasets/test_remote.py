"""What DVC clients push, on a real database: objects of one dataset and no other, and versions from pointers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from hashlib import md5

import pytest

from adapters.runtime import Runtime
from domain.access.actor import Role
from domain.access.service import create_token, revoke_token
from domain.datasets import queries, remote, service
from domain.datasets.dvc import Listed, Pointer
from domain.datasets.manifest import ManifestEntry, digest_of
from domain.datasets.remote import IncompleteFolder, NotPushed
from domain.datasets.service import DatasetIsArchived
from domain.datasets.specs import DvcSource, UploadSource
from tests.conftest import ON_BOTH_DATABASES

pytestmark = ON_BOTH_DATABASES


def digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def push(runtime: Runtime, text: str, name: str = "a") -> bool:
    with runtime.transaction() as session:
        place = remote.open_dataset(session, name)
        return remote.record_push(session, dataset_id=place.id, digest=digest(text), size=len(text))


def size(runtime: Runtime, object_: str, name: str = "a") -> int | None:
    with runtime.reading() as session:
        place = remote.find_place(session, name, object_)
        return None if place is None else place.size


class TestExistence:
    def test_the_first_push_makes_the_dataset(self, runtime: Runtime) -> None:
        assert push(runtime, "one")
        assert size(runtime, digest("one")) == 3

    def test_pushing_again_is_no_news(self, runtime: Runtime) -> None:
        assert [push(runtime, "one"), push(runtime, "one")] == [True, False]

    def test_many_push_the_same_at_once(self, runtime: Runtime) -> None:
        push(runtime, "first")
        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(lambda _: push(runtime, "one"), range(16))) == [False] * 15 + [True]

    def test_is_of_one_dataset(self, runtime: Runtime) -> None:
        push(runtime, "one")
        push(runtime, "two", "b")
        assert (size(runtime, digest("two")), size(runtime, digest("two"), "b")) == (None, 3)

    def test_a_version_has_its_files(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            service.create_dataset(session, name="a")
            service.create_dataset(session, name="b")
            entry = ManifestEntry("x.csv", digest("one"), 3)
            service.add_version(session, dataset="a", entries=[entry], source=UploadSource())
        assert (size(runtime, digest("one")), size(runtime, digest("one"), "b")) == (3, None)

    def test_what_is_forgotten_is_gone_but_for_versions(self, runtime: Runtime) -> None:
        push(runtime, "one")
        push(runtime, "two")
        with runtime.transaction() as session:
            remote.add_pointed_version(session, dataset="a", pointer=Pointer(digest("two"), "x.csv"))
            home = queries.get_dataset(session, "a").id
            gone = [
                remote.forget_push(session, dataset_id=home, digest=digest(text)) for text in ("one", "two", "three")
            ]
        assert gone == [True, True, False]
        assert (size(runtime, digest("one")), size(runtime, digest("two"))) == (None, 3)

    def test_an_archived_dataset_takes_no_push(self, runtime: Runtime) -> None:
        push(runtime, "one")
        with runtime.transaction() as session:
            service.archive_dataset(session, name="a")
        with pytest.raises(DatasetIsArchived):
            push(runtime, "two")


class TestVisit:
    def test_tells_who_and_what_at_once(self, runtime: Runtime) -> None:
        push(runtime, "one")
        with runtime.transaction() as session:
            _, secret = create_token(session, name="t", owner="ada", role=Role.VIEWER)
        with runtime.reading() as session:
            visit = partial(remote.visit, session, now=runtime.clock(), digest=digest("one"))
            actor, place = visit(secret=secret, name="a")
            assert actor is not None
            assert place is not None
            assert (actor.name, actor.role, place.size, place.archived) == ("ada", Role.VIEWER, 3, False)
            _, elsewhere = visit(secret=secret, name="b")
            assert elsewhere is None
            nobody, _ = visit(secret="mlr_x", name="a")
            assert nobody is None

    def test_a_token_that_is_over_is_nobody(self, runtime: Runtime) -> None:
        soon = runtime.clock() + timedelta(seconds=60)
        with runtime.transaction() as session:
            _, first = create_token(session, name="t", owner="ada", role=Role.VIEWER, expires_at=soon)
            _, second = create_token(session, name="u", owner="ada", role=Role.VIEWER)
            revoke_token(session, name="u")
        with runtime.reading() as session:
            later = soon + timedelta(seconds=1)
            assert remote.visit(session, secret=first, now=runtime.clock(), name="a")[0] is not None
            assert remote.visit(session, secret=first, now=later, name="a")[0] is None
            assert remote.visit(session, secret=second, now=runtime.clock(), name="a")[0] is None


class TestListings:
    def test_a_folder_is_whole_when_all_its_files_are_there(self, runtime: Runtime) -> None:
        listed = [Listed(f"{number}.txt", digest(str(number))) for number in range(7)]
        for number in range(2):
            push(runtime, str(number))
        with runtime.reading() as session:
            home = queries.get_dataset(session, "a").id
            remote.refuse_incomplete(session, home, listed[:2])
            with pytest.raises(IncompleteFolder) as caught:
                remote.refuse_incomplete(session, home, listed)
        assert caught.value.message.startswith("5 of the 7 files")
        assert "2.txt" in caught.value.message
        assert caught.value.message.endswith("and 2 more.")

    def test_sizes_of_more_objects_than_a_statement_takes(self, runtime: Runtime) -> None:
        push(runtime, "one")
        with runtime.reading() as session:
            home = queries.get_dataset(session, "a").id
            asked = [digest(str(number)) for number in range(12_000)] + [digest("one")]
            assert remote.sizes_of(session, home, asked) == {digest("one"): 3}


class TestAddPointedVersion:
    def test_a_file_is_called_as_the_pointer_calls_it(self, runtime: Runtime) -> None:
        push(runtime, "one")
        with runtime.transaction() as session:
            pointed = Pointer(digest("one"), "raw/x.csv")
            version, created = remote.add_pointed_version(session, dataset="a", pointer=pointed, message="m")
            assert created
            assert (version.format, version.size, version.digest) == ("csv", 3, digest("one"))
            assert version.source == DvcSource(path="raw/x.csv", md5=digest("one")).as_json()
            assert [entry.path for entry in queries.files_of(session, version)] == ["x.csv"]
            assert remote.add_pointed_version(session, dataset="a", pointer=pointed) == (version, False)

    def test_a_folder_keeps_the_digest_that_dvc_gave_it(self, runtime: Runtime) -> None:
        listed = [Listed("only.csv", digest("one"))]  # one file in a folder: our own digest would be the file's
        push(runtime, "one")
        with runtime.transaction() as session:
            version, _ = remote.add_pointed_version(
                session, dataset="a", pointer=Pointer("0" * 32 + ".dir", "d"), listed=listed
            )
        assert version.digest == "0" * 32 + ".dir"
        with runtime.reading() as session:
            assert remote.listing_of(session, version.dataset_id, version.digest) is None

    def test_a_folder_of_ours_is_listed_from_its_files(self, runtime: Runtime) -> None:
        entries = [ManifestEntry("x/1", digest("one"), 3), ManifestEntry("2", digest("two"), 3)]
        with runtime.transaction() as session:
            service.create_dataset(session, name="a")
            version, _ = service.add_version(session, dataset="a", entries=entries, source=UploadSource())
        with runtime.reading() as session:
            listing = remote.listing_of(session, version.dataset_id, version.digest)
        assert listing is not None
        assert md5(listing, usedforsecurity=False).hexdigest() + ".dir" == digest_of(entries)

    def test_bytes_of_another_dataset_do_not_count(self, runtime: Runtime) -> None:
        push(runtime, "one", "b")
        push(runtime, "two")
        with runtime.transaction() as session, pytest.raises(NotPushed, match=r"x\.csv"):
            remote.add_pointed_version(session, dataset="a", pointer=Pointer(digest("one"), "x.csv"))
        with runtime.reading() as session, pytest.raises(NotPushed):
            remote.find_pointed(session, dataset="a", pointer=Pointer(digest("one"), "x.csv"))

    def test_carries_what_git_knows(self, runtime: Runtime) -> None:
        push(runtime, "one")
        source = DvcSource(path="x.csv.dvc", md5=digest("one"), repository="r", commit="c" * 40, message="why")
        with runtime.transaction() as session:
            version, _ = remote.add_pointed_version(
                session, dataset="a", pointer=Pointer(digest("one"), "x.csv"), source=source
            )
        assert version.source["commit"] == "c" * 40

"""The contract of an object store, held by each implementation: a folder, memory, S3, GCS, Azure, Google Drive."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import time
from uuid import uuid4

import pytest

from adapters.object_store.fsspec_store import FsspecStore
from adapters.object_store.keys import BadKey, BadRange
from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectMissing, ObjectStore, StoreDamaged
from tests.adapters.places import AZURE, below

BAD_KEYS = [
    *("", "/etc/passwd", "../up", "a/../../up", "a\x00b", "a//b", "a/", "./a", "a\nb", "a\\b"),
    *("\ud800", ".incoming/x", "a" * 256, "/".join(["long"] * 200)),
]


class TestReading:
    def test_gives_back_what_was_put(self, store: ObjectStore) -> None:
        store.put("models/bikes/1", b"\x00weights")
        assert store.get("models/bikes/1") == b"\x00weights"

    def test_an_empty_object_is_an_object(self, store: ObjectStore) -> None:
        store.put("empty", b"")
        assert (store.get("empty"), store.exists("empty"), store.info("empty").size) == (b"", True, 0)

    def test_opened_object_is_read_from_anywhere(self, store: ObjectStore) -> None:
        store.put("segment", b"0123456789")
        with store.open("segment") as file:
            file.seek(4)
            assert file.read(3) == b"456"
            file.seek(-2, 2)
            assert file.read() == b"89"

    def test_fetches_into_a_file(self, store: ObjectStore, tmp_path: Path) -> None:
        store.put("a/b", b"bytes")
        store.fetch("a/b", tmp_path / "b")
        assert (tmp_path / "b").read_bytes() == b"bytes"

    def test_says_size_and_age(self, store: ObjectStore) -> None:
        store.put("a/b", b"12345")
        info = store.info("a/b")
        assert (info.key, info.size) == ("a/b", 5)
        assert abs(info.modified - time()) < 60


class TestReadingParts:
    def test_gives_exactly_the_bytes_asked_for(self, store: ObjectStore) -> None:
        store.put("pack", b"0123456789")
        assert store.get_range("pack", 0, 10) == b"0123456789"
        assert store.get_range("pack", 3, 4) == b"3456"
        assert store.get_range("pack", 9, 1) == b"9"
        assert store.get_range("pack", 4, 0) == b""

    @pytest.mark.parametrize(("start", "length"), [(8, 3), (10, 1), (50, 2)], ids=["across", "at", "past"])
    def test_a_range_past_the_end_is_damage(self, store: ObjectStore, start: int, length: int) -> None:
        store.put("pack", b"0123456789")
        with pytest.raises(StoreDamaged, match="'pack'") as caught:
            store.get_range("pack", start, length)
        assert caught.value.where == "pack"

    @pytest.mark.parametrize("length", [0, 5])
    def test_of_what_is_not_there_is_missing(self, store: ObjectStore, length: int) -> None:
        store.put("other", b"1")
        with pytest.raises(ObjectMissing):
            store.get_range("pack", 0, length)
        with pytest.raises(ObjectMissing):
            store.get_ranges([("other", 0, 1), ("pack", 0, length)])

    def test_negative_ones_are_refused(self, store: ObjectStore) -> None:
        for start, length in ((-1, 2), (0, -1)):
            with pytest.raises(BadRange):
                store.get_range("pack", start, length)

    def test_many_come_in_the_order_asked(self, store: ObjectStore) -> None:
        content = bytes(value % 251 for value in range(400_000))
        store.put("pack/1", content)
        store.put("pack/2", b"other")
        wanted = [
            *(("pack/1", start, 7) for start in range(399_000, 0, -9_001)),
            *(("pack/2", 1, 3), ("pack/1", 5, 0), ("pack/1", 0, 400_000), ("pack/1", 5, 20), ("pack/1", 5, 20)),
        ]
        found = store.get_ranges(wanted)
        whole = {"pack/1": content, "pack/2": b"other"}
        assert found == [whole[key][start : start + length] for key, start, length in wanted]

    def test_none_are_none(self, store: ObjectStore) -> None:
        assert store.get_ranges([]) == []


class TestWriting:
    def test_replaces(self, store: ObjectStore) -> None:
        store.put("routes", b"a longer first one")
        assert store.info("routes").size == 18
        store.put("routes", b"second")
        assert (store.get("routes"), store.info("routes").size) == (b"second", 6)

    def test_readers_see_the_old_bytes_or_the_new_ones(self, store: ObjectStore) -> None:
        whole = [bytes([value]) * 200_000 for value in range(8)]
        store.put("routes", whole[0])

        def put_all() -> None:
            for data in whole:
                store.put("routes", data)

        with ThreadPoolExecutor(1) as pool:
            writes = pool.submit(put_all)
            while not writes.done():
                assert store.get("routes") in whole
            writes.result()
        assert store.get("routes") == whole[-1]

    def test_uploads_a_file(self, store: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "big").write_bytes(b"x" * 3_000_000)
        store.upload(tmp_path / "big", "a/big")
        assert store.info("a/big").size == 3_000_000
        assert (tmp_path / "big").exists()

    def test_keeps_every_byte(self, store: ObjectStore) -> None:
        odd = bytes(range(256)) + b"\r\n\n\r--==0==--\n\r\n.\r\n--\r\n"
        store.put("odd", odd)
        assert store.get("odd") == odd

    def test_large_ones_go_up_and_come_down_in_parts(self, store: ObjectStore, tmp_path: Path) -> None:
        content = random.Random(7).randbytes(42 * 2**20 + 5)
        (tmp_path / "big").write_bytes(content)
        store.upload(tmp_path / "big", "a/big")
        store.fetch("a/big", tmp_path / "fetched")
        assert store.info("a/big").size == len(content)
        assert (tmp_path / "fetched").read_bytes() == content
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["big", "fetched"]
        with store.open("a/big") as file:
            file.seek(30 * 2**20)
            assert file.read(12 * 2**20 + 99) == content[30 * 2**20 :]

    def test_large_ones_can_be_put(self, store: ObjectStore) -> None:
        content = random.Random(8).randbytes(33 * 2**20)
        store.put("big", b"small")
        store.put("big", content)
        assert store.get("big") == content

    def test_parallel_writers_of_one_key_leave_one_of_theirs(self, store: ObjectStore) -> None:
        written = [bytes([value]) * 100_000 for value in range(6)]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda data: store.put("contended", data), written))
        assert store.get("contended") in written
        assert [info.key for info in store.list("")] == ["contended"]

    def test_parallel_writers_of_many_keys_leave_all(self, store: ObjectStore) -> None:
        keys = [f"pack/{number:02}" for number in range(24)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, key.encode()), keys))
        assert {info.key for info in store.list("pack")} == set(keys)
        assert store.get_ranges([(key, 0, 7) for key in keys]) == [key.encode() for key in keys]


class TestDeleting:
    def test_is_done_once_and_again(self, store: ObjectStore) -> None:
        store.put("a/b", b"1")
        store.delete("a/b")
        store.delete("a/b")
        assert not store.exists("a/b")

    def test_takes_many_and_only_those(self, store: ObjectStore) -> None:
        for number in range(12):
            store.put(f"pack/{number}", b"1")
        store.delete_many(iter([*(f"pack/{number}" for number in range(11)), "pack/never", "nowhere/never"]))
        assert [info.key for info in store.list("")] == ["pack/11"]

    def test_of_none_does_nothing(self, store: ObjectStore) -> None:
        store.delete_many([])


class TestListing:
    def test_is_recursive_with_whole_keys(self, store: ObjectStore) -> None:
        for key in ("live/bikes/1", "live/bikes/deep/2", "live/other/3", "lives/4"):
            store.put(key, key.encode())
        found = list(store.list("live/bikes"))
        assert [(info.key, info.size) for info in found] == [("live/bikes/1", 12), ("live/bikes/deep/2", 17)]
        assert all(abs(info.modified - time()) < 60 for info in found)
        assert {info.key for info in store.list("")} == {"live/bikes/1", "live/bikes/deep/2", "live/other/3", "lives/4"}

    def test_takes_the_folder_with_and_without_its_slash(self, store: ObjectStore) -> None:
        store.put("routes/bikes.json", b"1")
        store.put("routes-2/bikes.json", b"1")
        assert [info.key for info in store.list("routes/")] == [info.key for info in store.list("routes")]
        assert [info.key for info in store.list("routes/")] == ["routes/bikes.json"]

    def test_of_nothing_is_empty(self, store: ObjectStore) -> None:
        store.put("a", b"1")
        assert list(store.list("nowhere")) == []

    def test_sees_what_came_since_the_last_one(self, store: ObjectStore) -> None:
        store.put("a/1", b"1")
        assert [info.key for info in store.list("a")] == ["a/1"]
        store.put("a/2", b"2")
        store.delete("a/1")
        assert [info.key for info in store.list("a")] == ["a/2"]

    @pytest.mark.parametrize("place", [pytest.param("s3", marks=pytest.mark.s3), AZURE])
    def test_comes_in_pages(self, connected: Callable[[str], FsspecStore], place: str) -> None:
        """Not on GCS: its emulator has no pages. Drive gives a folder at a time."""
        store = below(connected(place), str(uuid4()))
        keys = [f"many/{number}" for number in range(7)]
        for key in keys:
            store.put(key, b"1")
        pages: list[list[str]] = []
        after: str | None = None
        while not pages or after:
            page, after = store._backend.page(f"{store._folder}many/", after, 3)
            pages.append([found.name.removeprefix(store._folder) for found in page])
        assert pages == [keys[:3], keys[3:6], keys[6:]]

    def test_of_an_object_is_empty(self, store: ObjectStore) -> None:
        store.put("a", b"1")
        assert list(store.list("a")) == []


@pytest.mark.parametrize(
    "key",
    [
        "spaces in it/and one.txt",
        "größe/данные/数据/🚂",
        "e\u0301/\u00e9",  # the same letter in two spellings stays two
        "100%/a%20b/%2F",
        "what?/a#b&c=d+e",
        "?versionId=1",
        "quotes'\"/it's",
        "~tilde/$dollar/[brackets]{braces}/*",
        ".hidden/...dots",
        "a" * 255,
        "/".join(["deep"] * 40),
        "UPPER/upper",
    ],
)
def test_odd_keys_are_kept_as_they_are(store: ObjectStore, tmp_path: Path, key: str) -> None:
    store.put(key, b"0123456789")
    (tmp_path / "file").write_bytes(b"uploaded")
    store.upload(tmp_path / "file", f"{key}.2") if len(key) < 250 else store.put("b.2", b"")
    assert store.get(key) == b"0123456789"
    assert store.get_range(key, 2, 3) == b"234"
    assert store.info(key).key == key
    assert key in {info.key for info in store.list("")}
    store.fetch(key, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"0123456789"
    store.delete_many([key, "never"])
    assert not store.exists(key)
    assert len(list(store.list(""))) == 1


@pytest.mark.parametrize("key", ["nothing", "a", "a/b/c"], ids=["unknown", "a folder", "below an object"])
def test_what_is_not_there_is_missing(store: ObjectStore, tmp_path: Path, key: str) -> None:
    store.put("a/b", b"1")
    assert not store.exists(key)
    for read in (store.get, store.open, store.info, lambda key: store.fetch(key, tmp_path / "fetched")):
        with pytest.raises(ObjectMissing, match="no object"):
            read(key)
    store.delete(key)
    assert store.get("a/b") == b"1"


@pytest.mark.parametrize("key", BAD_KEYS)
def test_bad_keys_are_refused(store: ObjectStore, tmp_path: Path, key: str) -> None:
    (tmp_path / "file").write_bytes(b"1")
    for use in (
        lambda: store.put(key, b"1"),
        lambda: store.upload(tmp_path / "file", key),
        lambda: store.get(key),
        lambda: store.open(key),
        lambda: store.exists(key),
        lambda: store.info(key),
        lambda: store.get_range(key, 0, 1),
        lambda: store.get_ranges([("a", 0, 0), (key, 0, 1)]),
        lambda: store.fetch(key, tmp_path / "fetched"),
        lambda: store.delete(key),
        lambda: store.delete_many([key]),
        lambda: store.local_path(key),
    ):
        with pytest.raises(BadKey):
            use()


def test_only_a_folder_has_files_of_its_own(store: ObjectStore) -> None:
    store.put("a/b", b"bytes")
    path = store.local_path("a/b")
    assert (path is not None) == isinstance(store, LocalStore)
    if path is not None:
        assert path.read_bytes() == b"bytes"

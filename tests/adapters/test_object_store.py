"""The contract of an object store, held by each implementation: a folder, memory, S3, GCS, Azure, Google Drive."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import time

import pytest

from adapters.object_store.contents import Contents
from adapters.object_store.keys import BadKey
from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectMissing, ObjectStore
from domain.datasets.manifest import content_key


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

    def test_deletes_once_and_again(self, store: ObjectStore) -> None:
        store.put("a/b", b"1")
        store.delete("a/b")
        store.delete("a/b")
        assert not store.exists("a/b")


class TestListing:
    def test_is_recursive_with_whole_keys(self, store: ObjectStore) -> None:
        for key in ("live/bikes/1", "live/bikes/deep/2", "live/other/3", "lives/4"):
            store.put(key, key.encode())
        found = list(store.list("live/bikes"))
        assert [(info.key, info.size) for info in found] == [("live/bikes/1", 12), ("live/bikes/deep/2", 17)]
        assert all(abs(info.modified - time()) < 60 for info in found)
        assert {info.key for info in store.list("")} == {"live/bikes/1", "live/bikes/deep/2", "live/other/3", "lives/4"}

    def test_of_nothing_is_empty(self, store: ObjectStore) -> None:
        store.put("a", b"1")
        assert list(store.list("nowhere")) == []

    def test_sees_what_came_since_the_last_one(self, store: ObjectStore) -> None:
        store.put("a/1", b"1")
        assert [info.key for info in store.list("a")] == ["a/1"]
        store.put("a/2", b"2")
        store.delete("a/1")
        assert [info.key for info in store.list("a")] == ["a/2"]


@pytest.mark.parametrize("key", ["nothing", "a", "a/b/c"], ids=["unknown", "a folder", "below an object"])
def test_what_is_not_there_is_missing(store: ObjectStore, tmp_path: Path, key: str) -> None:
    store.put("a/b", b"1")
    assert not store.exists(key)
    for read in (store.get, store.open, store.info, lambda key: store.fetch(key, tmp_path / "fetched")):
        with pytest.raises(ObjectMissing, match="no object"):
            read(key)
    store.delete(key)
    assert store.get("a/b") == b"1"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../up", "a/../../up", "a\x00b"])
def test_bad_keys_are_refused(store: ObjectStore, tmp_path: Path, key: str) -> None:
    (tmp_path / "file").write_bytes(b"1")
    for use in (
        lambda: store.put(key, b"1"),
        lambda: store.upload(tmp_path / "file", key),
        lambda: store.get(key),
        lambda: store.open(key),
        lambda: store.exists(key),
        lambda: store.info(key),
        lambda: store.delete(key),
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


class TestContents:
    def test_same_content_is_kept_once(self, store: ObjectStore, tmp_path: Path) -> None:
        contents = Contents(store)
        (tmp_path / "file").write_bytes(b"rows")
        sink = contents.sink()
        for part in (b"ro", b"ws"):
            sink.write(part)
        stored = sink.close()
        assert stored == contents.add(b"rows") == contents.add_file(tmp_path / "file")
        assert (stored.md5, stored.size) == ("df347a373b8f92aa0ae3dd920a5ec2f6", 4)
        assert [info.key for info in store.list("")] == [content_key(stored.md5)]

    def test_is_read_by_its_digest(self, store: ObjectStore, tmp_path: Path) -> None:
        contents = Contents(store)
        digest = contents.add(b"rows").md5
        assert (contents.exists(digest), contents.exists("0" * 32)) == (True, False)
        assert (contents.read(digest), contents.size(digest)) == (b"rows", 4)
        with contents.open(digest) as file:
            assert file.read() == b"rows"
        contents.fetch(digest, tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == b"rows"

    def test_abandoned_upload_leaves_nothing(
        self, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "scratch").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
        sink = Contents(store).sink()
        sink.write(b"half")
        sink.abort()
        assert list(store.list("")) == []
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

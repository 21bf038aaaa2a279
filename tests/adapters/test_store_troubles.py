"""A store that is away, or vanishes while it is used: what is said, and that nothing is lost or half-written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from adapters.object_store.opening import open_store
from adapters.object_store.protocol import ObjectStore, StoreUnavailable
from tests.adapters.places import QUICK, REMOTE, Place
from tests.cable import Cable, cable

MIB = 2**20


def behind(laid: Cable, place: Place) -> ObjectStore:
    """The same place, reached over the cable."""
    known = place.credentials
    changed: dict[str, object] = {
        name: laid.url
        for name in ("s3_endpoint_url", "gcs_endpoint_url", "gdrive_endpoint_url")
        if getattr(known, name)
    }
    if parts := known.azure_connection_string.get_secret_value():
        changed["azure_connection_string"] = SecretStr(f"{parts.rpartition('=')[0]}={laid.url}")
    return open_store(f"{place.url}/{uuid4()}", known.model_copy(update=changed), patience=QUICK)


def endpoint(place: Place) -> str:
    known = place.credentials
    azure = known.azure_connection_string.get_secret_value().rpartition("=")[2]
    return known.s3_endpoint_url or known.gcs_endpoint_url or known.gdrive_endpoint_url or azure


@dataclass
class Line:
    """A store at the far end of a cable."""

    store: ObjectStore
    cable: Cable


@pytest.fixture(params=REMOTE)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    place: Place = request.getfixturevalue(request.param)
    with cable(endpoint(place)) as laid:
        yield Line(behind(laid, place), laid)


class TestAStoreThatIsAway:
    @pytest.fixture(params=["folder", *REMOTE])
    def away(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
        if request.param == "folder":
            store = open_store(str(tmp_path / "disk"))
            (tmp_path / "disk").rename(tmp_path / "unplugged")
            yield store
            return
        place: Place = request.getfixturevalue(request.param)
        with cable(endpoint(place)) as laid:
            laid.pull()
            yield behind(laid, place)

    def test_says_so_whatever_is_asked(self, away: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"1")
        uses: dict[str, Callable[[], object]] = {
            "put": lambda: away.put("a/b", b"1"),
            "upload": lambda: away.upload(tmp_path / "file", "a/b"),
            "get": lambda: away.get("a/b"),
            "get_range": lambda: away.get_range("a/b", 0, 1),
            "get_ranges": lambda: away.get_ranges([("a/b", 0, 1), ("a/c", 0, 1)]),
            "open": lambda: away.open("a/b"),
            "exists": lambda: away.exists("a/b"),
            "info": lambda: away.info("a/b"),
            "list": lambda: list(away.list("a")),
            "fetch": lambda: away.fetch("a/b", tmp_path / "fetched"),
            "delete": lambda: away.delete("a/b"),
            "delete_many": lambda: away.delete_many(["a/b", "a/c"]),
        }
        for verb, use in uses.items():
            with pytest.raises(StoreUnavailable, match="The store at ") as caught:
                use()
            assert (caught.value.where or "").startswith("a"), verb
        assert not (tmp_path / "fetched").exists()

    def test_is_not_made_anew_in_its_place(self, tmp_path: Path) -> None:
        disk, unplugged = tmp_path / "disk", tmp_path / "unplugged"
        store = open_store(str(disk))
        store.put("a/b", b"1")
        disk.rename(unplugged)
        with pytest.raises(StoreUnavailable):
            store.put("c/d", b"2")
        assert not disk.exists()
        unplugged.rename(disk)
        assert store.get("a/b") == b"1"

    @pytest.mark.parametrize("kind", [kind for kind in REMOTE if kind != "gdrive"])
    def test_a_bucket_that_is_not_there_is_no_empty_one(self, request: pytest.FixtureRequest, kind: str) -> None:
        place: Place = request.getfixturevalue(kind)
        scheme = place.url.partition("://")[0]
        store = open_store(f"{scheme}://nobodys-bucket/data", place.credentials, patience=QUICK)
        for use in (
            lambda: store.exists("a/b"),
            lambda: store.get("a/b"),
            lambda: store.put("a/b", b"1"),
            lambda: list(store.list("a")),
        ):
            with pytest.raises(StoreUnavailable, match="nobodys-bucket is not there"):
                use()


class TestAStoreThatVanishes:
    def test_while_a_large_object_goes_up_keeps_the_old_one(self, line: Line, tmp_path: Path) -> None:
        (tmp_path / "big").write_bytes(bytes(40 * MIB))
        line.store.put("a/big", b"the old bytes")
        line.cable.pull_after(20 * MIB)
        with pytest.raises(StoreUnavailable, match="'a/big'"):
            line.store.upload(tmp_path / "big", "a/big")
        line.cable.plug()
        assert line.store.get("a/big") == b"the old bytes"
        assert [info.key for info in line.store.list("")] == ["a/big"]
        line.store.upload(tmp_path / "big", "a/big")
        assert line.store.info("a/big").size == 40 * MIB

    def test_while_a_small_object_goes_up_keeps_the_old_one(self, line: Line) -> None:
        line.store.put("a/b", b"the old bytes")
        line.cable.pull_after(MIB)
        with pytest.raises(StoreUnavailable, match="'a/b'"):
            line.store.put("a/b", bytes(4 * MIB))
        line.cable.plug()
        assert line.store.get("a/b") == b"the old bytes"

    def test_while_an_object_comes_down_leaves_no_file(self, line: Line, tmp_path: Path) -> None:
        line.store.put("a/big", bytes(40 * MIB))
        opened = line.store.open("a/big")
        line.cable.pull()
        with pytest.raises(StoreUnavailable):
            line.store.fetch("a/big", tmp_path / "fetched")
        with pytest.raises(StoreUnavailable):
            opened.read()
        assert list(tmp_path.iterdir()) == []
        line.cable.plug()
        opened.seek(0)
        assert len(opened.read()) == 40 * MIB

    def test_for_a_moment_goes_unnoticed(self, line: Line, tmp_path: Path) -> None:
        """A connection that breaks is made again: here every one of them does, once."""
        (tmp_path / "big").write_bytes(bytes(20 * MIB))
        line.store.put("a/b", b"1")
        line.cable.drop_connections()
        assert line.store.get("a/b") == b"1"
        line.cable.drop_connections()
        line.store.upload(tmp_path / "big", "a/big")
        assert line.store.info("a/big").size == 20 * MIB


@pytest.mark.s3
def test_an_upload_that_fails_leaves_no_parts(s3: Place) -> None:
    store: Any = Place(f"{s3.url}/{uuid4()}", s3.credentials).open()

    def read(offset: int, size: int) -> bytes:
        """A file that is cut short while it goes up."""
        return bytes(size) if offset < 40 * MIB else b""

    with pytest.raises(OSError, match="became shorter"):
        store._put_parts("a/big", 50 * MIB, read)
    uploads = store._backend._call("list_multipart_uploads").get("Uploads", [])
    assert [upload for upload in uploads if upload["Key"].startswith(store._folder)] == []
    assert not store.exists("a/big")

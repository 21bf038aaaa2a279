"""The store read through: what is whole is said to be, and of what is not, which files it was part of."""

from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select, update

from adapters.chunk_store.packs import pack_key
from adapters.runtime import Runtime
from domain.contents import recipes
from domain.contents.models import Chunk, Content, Pack
from domain.datasets.models import DatasetFile
from domain.db import new_id
from tests.api.answers import refused
from tests.conftest import ON_BOTH_DATABASES, Drain
from tests.workers.collecting import add_version, delete_version, fill, noise

Found = tuple[dict[str, Any], list[dict[str, Any]]]


def verify(client: httpx.Client, drain: Drain, **body: Any) -> Found:
    answer = client.post("verifications", json=body)
    assert answer.status_code == 202, answer.text
    ended = drain()
    assert [job.error for job in ended] == [None] * len(ended)
    subject = answer.json()["subject"]
    return client.get(subject).json(), client.get(f"{subject}/findings").json()["items"]


def pack_of(runtime: Runtime, path: str) -> tuple[str, Chunk]:
    """The key of the pack that holds the first chunk of a file, and that chunk."""
    with runtime.reading() as session:
        recipe = session.scalars(
            select(Content.recipe).join(DatasetFile, DatasetFile.md5 == Content.digest).where(DatasetFile.path == path)
        ).first()
        assert recipe is not None
        chunk = session.get_one(Chunk, recipes.unpack(recipe)[0].digest)
        return pack_key(chunk.pack_id), chunk


def flip(runtime: Runtime, key: str, at: int) -> None:
    data = bytearray(runtime.data.get(key))
    data[at] ^= 1
    runtime.data.put(key, bytes(data))


@pytest.fixture
def filled(runtime: Runtime) -> Runtime:
    fill(runtime)
    return runtime


class TestClean:
    @ON_BOTH_DATABASES
    @pytest.mark.parametrize("deep", [False, True])
    def test_everything_is_read(self, filled: Runtime, client: httpx.Client, drain: Drain, *, deep: bool) -> None:
        read, findings = verify(client, drain, deep=deep)
        assert (read["state"], read["scope"], findings) == ("clean", None, [])
        with filled.reading() as session:
            assert read["packs"] == len(session.scalars(select(Pack.id)).all())
            assert read["chunks"] == len(session.scalars(select(Chunk.digest)).all())
            assert read["contents"] == len(session.scalars(select(Content.digest)).all())
        told = client.get("events", params={"type": "StoreVerified"}).json()["items"]
        assert told[0]["payload"]["bytes"] == read["bytes"] > 0

    def test_one_version_is_read_alone(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        key, chunk = pack_of(filled, "own.bin")
        flip(filled, key, chunk.offset + 10)
        read, _ = verify(client, drain, dataset="b", number=1, deep=True)
        assert (read["state"], read["scope"], read["contents"]) == ("clean", "b@1", 1)
        assert verify(client, drain, dataset="b")[0]["state"] == "clean"
        assert verify(client, drain, dataset="a", number=2)[0]["state"] == "clean"
        assert verify(client, drain, dataset="a")[0]["state"] == "damaged"


class TestDamage:
    @ON_BOTH_DATABASES
    def test_a_flipped_bit_is_traced_to_the_files(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        key, chunk = pack_of(filled, "own.bin")
        flip(filled, key, chunk.offset + 10)
        read, findings = verify(client, drain)
        assert (read["state"], len(findings)) == ("damaged", 1)
        (found,) = findings
        assert (found["kind"], found["chunks"]) == ("chunk_damaged", [chunk.digest.hex()])
        assert found["affected"] == ["a@1 own.bin"]
        assert key in found["detail"]
        (told,) = client.get("events", params={"type": "StoreDamageFound"}).json()["items"]
        assert told["payload"]["affected"] == ["a@1 own.bin"]

    def test_of_the_base_of_a_difference_takes_both(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        with filled.reading() as session:
            base = session.scalars(select(Chunk.base).where(Chunk.base.is_not(None))).first()
            assert base is not None
            chunk = session.get_one(Chunk, base)
        flip(filled, pack_key(chunk.pack_id), chunk.offset + chunk.stored // 2)
        _, findings = verify(client, drain)
        affected = {name for found in findings for name in found["affected"]}
        assert affected == {"a@1 table.csv", "a@2 table.csv"}
        assert any("difference from a chunk that is damaged" in found["detail"] for found in findings)

    def test_a_missing_pack_names_all_it_held(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        key, _ = pack_of(filled, "other.bin")
        filled.data.delete(key)
        _, findings = verify(client, drain)
        assert [found["kind"] for found in findings] == ["pack_missing"]
        assert findings[0]["affected"] == ["b@1 other.bin"]

    def test_a_pack_that_was_cut_off(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        key, chunk = pack_of(filled, "other.bin")
        filled.data.put(key, filled.data.get(key)[: chunk.offset + 100])
        _, findings = verify(client, drain)
        assert {found["kind"] for found in findings} == {"pack_truncated", "directory_damaged", "chunk_damaged"}
        assert {name for found in findings for name in found["affected"]} == {"b@1 other.bin"}

    def test_a_chunk_that_the_index_lost(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        _, chunk = pack_of(filled, "other.bin")
        with filled.transaction() as session:
            session.execute(delete(Chunk).where(Chunk.digest == chunk.digest))
        _, findings = verify(client, drain, deep=True)
        assert [(found["kind"], found["affected"]) for found in findings] == [("chunk_missing", ["b@1 other.bin"])]

    def test_a_file_whose_content_is_not_there(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        with filled.transaction() as session:
            digest = session.scalars(select(DatasetFile.md5).where(DatasetFile.path == "other.bin")).one()
            session.execute(delete(Content).where(Content.digest == digest))
        _, findings = verify(client, drain)
        assert [(found["kind"], found["affected"]) for found in findings] == [("content_missing", ["b@1 other.bin"])]

    def test_a_wrong_recipe_is_seen_by_the_deep_reading_alone(
        self, filled: Runtime, client: httpx.Client, drain: Drain
    ) -> None:
        with filled.transaction() as session:
            digest = session.scalars(select(DatasetFile.md5).where(DatasetFile.path == "other.bin")).one()
            content = session.get_one(Content, digest)
            parts = recipes.unpack(content.recipe)
            wrong = recipes.pack(parts[::-1])
            session.execute(update(Content).where(Content.digest == digest).values(recipe=wrong))
        assert verify(client, drain)[0]["state"] == "clean"
        _, findings = verify(client, drain, deep=True)
        assert [(found["kind"], found["affected"]) for found in findings] == [("content_damaged", ["b@1 other.bin"])]

    def test_a_pack_without_a_row_is_no_damage(self, filled: Runtime, client: httpx.Client, drain: Drain) -> None:
        filled.data.put(pack_key(new_id()), b"left over")
        read, findings = verify(client, drain)
        assert (read["state"], [found["kind"] for found in findings]) == ("clean", ["unknown_pack"])

    def test_of_a_deleted_version_affects_nothing_that_stands(
        self, filled: Runtime, client: httpx.Client, drain: Drain
    ) -> None:
        key, chunk = pack_of(filled, "own.bin")
        delete_version(filled, "a", 1)
        flip(filled, key, chunk.offset + 10)
        _, (found,) = verify(client, drain)
        assert found["affected"][0].startswith("content ")


class TestRefuse:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"dataset": "nope"}, 404, "unknown_dataset"),
            ({"dataset": "a", "number": 9}, 404, "unknown_dataset_version"),
            ({"number": 1}, 422, "invalid_request"),
            ({"dataset": "a", "number": 0}, 422, "invalid_request"),
            ({"deep": "very"}, 422, "invalid_request"),
            ({"depth": 1}, 422, "invalid_request"),
        ],
    )
    def test_what_does_not_exist(
        self, runtime: Runtime, client: httpx.Client, body: dict[str, Any], status: int, code: str
    ) -> None:
        add_version(runtime, "a", {"x": noise(10, 1)})
        refused(client.post("verifications", json=body), status, code)

    def test_a_deleted_version(self, runtime: Runtime, client: httpx.Client) -> None:
        add_version(runtime, "a", {"x": noise(10, 1)})
        delete_version(runtime, "a", 1)
        refused(client.post("verifications", json={"dataset": "a", "number": 1}), 404, "version_deleted")

    def test_an_unknown_one(self, client: httpx.Client) -> None:
        refused(client.get("verifications/x"), 404, "unknown_verification")
        refused(client.get("verifications/x/findings"), 404, "unknown_verification")

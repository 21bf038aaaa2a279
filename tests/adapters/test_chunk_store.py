"""The chunk store: contents come back as they went in, equal and like bytes are kept once, damage is noticed."""

import random
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import md5
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, update

from adapters.chunk_store.arriving import WrongDigest
from adapters.chunk_store.chunks import BITE, LARGEST, SMALLEST, digest_of
from adapters.chunk_store.contents import Contents
from adapters.chunk_store.frames import Encoding, decode, encode, encode_difference
from adapters.chunk_store.packs import read_directory
from adapters.object_store.opening import open_store
from adapters.object_store.protocol import ObjectMissing, ObjectStore, StoreDamaged, StoreFull
from adapters.runtime import Runtime, utc_now
from domain.contents.models import Chunk, Content, Pack
from domain.contents.service import ChunksGone, ContentsGone
from tests.conftest import ON_BOTH_DATABASES


def rows(count: int, seed: int = 0) -> list[bytes]:
    """Lines of a table as a csv has them: numbers, dates and words."""
    chance = random.Random(seed)
    cities = ["Berlin", "Paris", "Rome", "Oslo"]
    return [
        f"{number},2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02},{chance.choice(cities)},"
        f"{chance.gauss(0, 1):.4f},{chance.randint(0, 10**9)}\n".encode()
        for number in range(count)
    ]


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def stored_bytes(store: ObjectStore) -> int:
    return sum(found.size for found in store.list("packs"))


def packs(store: ObjectStore) -> list[str]:
    return [found.key for found in store.list("packs")]


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(str(tmp_path / "objects"))


@pytest.fixture
def contents(store: ObjectStore, runtime: Runtime) -> Contents:
    return Contents(store, runtime.database, utc_now)


class TestFrames:
    def test_what_does_not_compress_is_stored_as_it_is(self) -> None:
        data = noise(50_000)
        assert encode(data) == (Encoding.RAW, data)

    def test_an_edited_row_costs_a_few_bytes(self) -> None:
        lines = rows(1_500)
        before = b"".join(lines)
        lines[700] = b"700,edited\n"
        difference = encode_difference(b"".join(lines), before)
        assert difference is not None
        assert len(difference) < 200
        assert decode(difference, Encoding.DIFFERENCE, before) == b"".join(lines)

    def test_what_is_not_alike_is_no_difference(self) -> None:
        assert encode_difference(noise(60_000, 1), noise(60_000, 2)) is None


class TestRoundTrip:
    @pytest.mark.parametrize("size", [0, 1, 5_000, SMALLEST + 1, BITE + 3, 3 * BITE])
    def test_gives_back_what_was_put(self, contents: Contents, tmp_path: Path, size: int) -> None:
        data = noise(size)
        stored = contents.add(data)
        assert (stored.md5, stored.size) == (md5(data, usedforsecurity=False).hexdigest(), size)
        assert contents.read(stored.md5) == data
        contents.fetch(stored.md5, tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == data
        assert (contents.exists(stored.md5), contents.size(stored.md5)) == (True, size)

    @ON_BOTH_DATABASES
    def test_on_each_database(self, contents: Contents) -> None:
        data = b"".join(rows(20_000))
        stored = contents.add(data)
        edited = contents.add(data.replace(b"Berlin", b"Bonn", 1))
        assert contents.read(stored.md5) == data
        assert contents.read(edited.md5) == data.replace(b"Berlin", b"Bonn", 1)
        assert contents.add(data) == stored

    def test_through_a_remote_store(self, runtime: Runtime) -> None:
        contents = Contents(open_store(f"memory://{uuid4()}"), runtime.database, utc_now)
        data = b"".join(rows(30_000))
        assert contents.read(contents.add(data).md5) == data

    def test_opened_content_is_read_from_anywhere(self, contents: Contents) -> None:
        data, chance = noise(2 * BITE), random.Random(1)
        with contents.open(contents.add(data).md5) as file:
            for _ in range(20):
                at, count = chance.randrange(len(data)), chance.randrange(300_000)
                file.seek(at)
                assert file.read(count) == data[at : at + count]
            file.seek(-5, 2)
            assert (file.read(), file.read(), file.tell()) == (data[-5:], b"", len(data))

    def test_a_listing_has_its_own_name(self, contents: Contents) -> None:
        digest = contents.put_listing(b"[]")
        assert digest == f"{md5(b'[]', usedforsecurity=False).hexdigest()}.dir"
        assert contents.read(digest) == b"[]"
        assert not contents.exists(digest.removesuffix(".dir"))

    def test_what_is_not_there_is_missing(self, contents: Contents) -> None:
        uses: list[Callable[[str], object]] = [
            contents.read, contents.open, contents.size, contents.stream, lambda md5: list(contents.many([md5])),
        ]  # fmt: skip
        for use in uses:
            with pytest.raises(ObjectMissing):
                use("0" * 32)

    def test_many_small_ones_at_once(self, contents: Contents) -> None:
        data = {f"{number}": noise(number * 10, number) for number in range(1, 500)}
        with contents.batch() as batch:
            digests = {batch.add_stream(BytesIO(one)).md5: one for one in data.values()}
        assert dict(contents.many(list(digests))) == digests


class TestKeepingLittle:
    def test_equal_bytes_are_kept_once(self, contents: Contents, store: ObjectStore) -> None:
        data = noise(3 * BITE)
        contents.add(data)
        before = stored_bytes(store)
        contents.add(data + b"a little more")
        assert stored_bytes(store) - before < LARGEST + 20_000

    def test_text_is_compressed(self, contents: Contents, store: ObjectStore) -> None:
        data = b"".join(rows(100_000))
        contents.add(data)
        assert stored_bytes(store) < 0.5 * len(data)

    def test_scattered_edits_of_rows_cost_little(self, contents: Contents, store: ObjectStore) -> None:
        lines = rows(100_000)
        contents.add(b"".join(lines))
        first = stored_bytes(store)
        chance = random.Random(3)
        for place in chance.sample(range(len(lines)), len(lines) // 100):
            lines[place] = lines[place].replace(b",", b";")
        edited = b"".join(lines)
        stored = contents.add(edited)
        assert stored_bytes(store) - first < 0.1 * first
        assert contents.read(stored.md5) == edited

    def test_a_difference_is_never_taken_from_a_difference(self, contents: Contents, runtime: Runtime) -> None:
        lines = rows(20_000)
        for edit in range(4):
            lines[edit * 5_000] = b"%d,edited\n" % edit
            contents.add(b"".join(lines))
        with runtime.reading() as session:
            bases = set(session.scalars(select(Chunk.base).where(Chunk.base.is_not(None))))
            encodings = set(session.scalars(select(Chunk.encoding).where(Chunk.digest.in_(bases))))
        assert bases
        assert Encoding.DIFFERENCE not in encodings

    def test_small_files_share_packs_and_frames(self, contents: Contents, store: ObjectStore) -> None:
        with contents.batch() as batch:
            for number in range(2_000):
                batch.add_stream(BytesIO(b"%d," % number * 50))
        assert len(packs(store)) == 1
        with store.open(packs(store)[0]) as file:
            frames = list(read_directory(file))
        assert sum(len(chunks) for *_, chunks in frames) == 2_000
        assert len(frames) < 20

    def test_writers_at_the_same_time_share_packs(self, contents: Contents, store: ObjectStore) -> None:
        data = [noise(1_000, number) for number in range(200)]
        with ThreadPoolExecutor(16) as pool:
            stored = list(pool.map(contents.add, data))
        assert [contents.read(one.md5) for one in stored] == data
        assert len(packs(store)) < 150

    def test_the_same_content_at_the_same_time_is_safe(self, contents: Contents) -> None:
        data = b"".join(rows(30_000))
        with ThreadPoolExecutor(8) as pool:
            stored = set(pool.map(contents.add, [data] * 16))
        assert len(stored) == 1
        assert contents.read(stored.pop().md5) == data


class TestRefusing:
    def test_other_bytes_than_announced(self, contents: Contents, store: ObjectStore, runtime: Runtime) -> None:
        sink = contents.sink()
        sink.write(noise(20 * BITE))
        with pytest.raises(WrongDigest, match="not 0000"):
            sink.close("0" * 32)
        assert list(store.list("")) == []
        with runtime.reading() as session:
            assert [session.scalar(select(func.count()).select_from(table)) for table in (Pack, Chunk, Content)] == [
                0, 0, 0,
            ]  # fmt: skip

    def test_an_abandoned_write_leaves_nothing(self, contents: Contents, tmp_path: Path) -> None:
        sink = contents.sink()
        for seed in range(3):
            sink.write(noise(BITE * 9, seed))
        sink.abort()
        assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []

    def test_chunks_deleted_while_others_arrived(self, contents: Contents, runtime: Runtime) -> None:
        data = noise(BITE)
        contents.add(data)
        batch = contents.batch()
        batch.add_stream(BytesIO(data + b"more"))
        batch.chunks.small()  # it has looked up what is known
        with runtime.transaction() as session:
            session.execute(delete(Chunk))
        with pytest.raises(ChunksGone):
            batch.keep()
        stored = contents.add(data + b"more")
        assert contents.read(stored.md5) == data + b"more"

    def test_one_bad_batch_does_not_spoil_the_others(self, contents: Contents) -> None:
        batches = [contents.batch() for _ in range(8)]
        for number, batch in enumerate(batches):
            batch.add_stream(BytesIO(noise(900, number)))
        batches[3].chunks.rely_on([b"\x00" * 32])

        def commit(number: int) -> str:
            try:
                batches[number].keep()
            except ChunksGone:
                return "gone"
            return "kept"

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(commit, range(8))) == ["kept"] * 3 + ["gone"] + ["kept"] * 4


class TestDamage:
    @pytest.fixture
    def pack(self, contents: Contents, store: ObjectStore) -> Path:
        """The file of the one pack that holds `DATA`."""
        contents.add(self.DATA)
        path = store.local_path(packs(store)[0])
        assert path is not None
        return path

    DATA = b"".join(rows(20_000))
    MD5 = md5(DATA, usedforsecurity=False).hexdigest()

    @pytest.mark.parametrize("at", [20, 100_000])
    def test_a_flipped_bit_is_noticed_and_named(self, contents: Contents, pack: Path, at: int) -> None:
        damaged = bytearray(pack.read_bytes())
        damaged[at] ^= 1
        pack.write_bytes(damaged)
        with pytest.raises(StoreDamaged, match=pack.name):
            contents.read(self.MD5)

    def test_a_pack_that_is_gone_is_named(self, contents: Contents, pack: Path) -> None:
        pack.unlink()
        with pytest.raises(ObjectMissing, match=pack.name):
            contents.read(self.MD5)

    def test_does_not_keep_others_from_being_stored(self, contents: Contents, pack: Path) -> None:
        """They are like what is damaged, and would be differences from it."""
        damaged = bytearray(pack.read_bytes())
        damaged[20] ^= 1
        damaged[100_000] ^= 1
        pack.write_bytes(damaged)
        edited = self.DATA[:100] + b"!" + self.DATA[100:]
        alike = contents.add(edited[: 2 * SMALLEST])
        assert contents.read(alike.md5) == edited[: 2 * SMALLEST]

    def test_a_pack_says_itself_what_is_in_it(self, contents: Contents, pack: Path) -> None:
        with pack.open("rb") as file:
            frames = list(read_directory(file))
            chunks = []
            for offset, stored, encoding, base, named in frames:
                assert base is None
                file.seek(offset)
                data = decode(file.read(stored), encoding)
                for chunk in named:
                    chunks.append(data[: chunk.size])
                    assert digest_of(chunks[-1]) == chunk.digest
                    data = data[chunk.size :]
        assert b"".join(chunks) == self.DATA


class TestArrivingAgain:
    @ON_BOTH_DATABASES
    def test_makes_it_young(self, contents: Contents, runtime: Runtime) -> None:
        old = datetime(2020, 1, 1, tzinfo=UTC)
        stored = contents.add(b"rows")
        with runtime.transaction() as session:
            session.execute(update(Content).values(needed_at=old))
        contents.add(b"rows")
        with runtime.reading() as session:
            assert session.scalars(select(Content.needed_at)).one() > old
        with contents.batch() as batch:
            batch.add_again(stored.md5)

    @ON_BOTH_DATABASES
    def test_fails_when_it_is_gone(self, contents: Contents) -> None:
        batch = contents.batch()
        batch.add_again("0" * 32)
        with pytest.raises(ContentsGone):
            batch.keep()


class TestAFullDisk:
    LIMIT = 16 * 2**20

    @pytest.fixture
    def small_disk(self) -> Iterator[Callable[[], None]]:
        """Files here may have 16 MiB at most, until the disk is made larger."""
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

        def grow() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        resource.setrlimit(resource.RLIMIT_FSIZE, (self.LIMIT, most))
        yield grow
        grow()

    def test_keeps_what_it_has_and_nothing_half(
        self, contents: Contents, store: ObjectStore, tmp_path: Path, small_disk: Callable[[], None]
    ) -> None:
        before = contents.add(noise(1_000))
        held = stored_bytes(store)
        too_much = noise(2 * self.LIMIT, 1)
        with pytest.raises(StoreFull, match="cannot be written"):
            contents.add(too_much)
        assert contents.read(before.md5) == noise(1_000)
        assert (stored_bytes(store), len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()])) == (
            held,
            1,
        )
        small_disk()
        assert contents.read(contents.add(too_much).md5) == too_much


class TestWholeFiles:
    """Files that lie under their MD5 as DVC lays them out: a store of before there were chunks, or a remote of DVC."""

    def key(self, digest: str) -> str:
        return f"files/md5/{digest[:2]}/{digest[2:]}"

    def test_are_taken_in_when_they_are_asked_for(self, contents: Contents, store: ObjectStore) -> None:
        data = {md5(one, usedforsecurity=False).hexdigest(): one for one in (noise(BITE + 7), b"small", b"smaller")}
        for digest, one in data.items():
            store.put(self.key(digest), one)
        first, *others = data
        assert contents.read(first) == data[first]
        assert contents.size(first) == len(data[first])
        assert dict(contents.many(others)) == {digest: data[digest] for digest in others}

    def test_a_listing_too(self, contents: Contents, store: ObjectStore) -> None:
        digest = f"{md5(b'[]', usedforsecurity=False).hexdigest()}.dir"
        store.put(self.key(digest), b"[]")
        assert contents.read(digest) == b"[]"

    def test_one_that_is_not_what_its_name_says_is_refused(self, contents: Contents, store: ObjectStore) -> None:
        store.put(self.key("0" * 32), b"something else")
        with pytest.raises(WrongDigest):
            contents.read("0" * 32)
        assert not contents.exists("0" * 32)
        assert packs(store) == []

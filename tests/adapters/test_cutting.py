"""Where bytes are cut: at the same places however they arrive, and an edit moves only the cuts around it."""

from io import FileIO
from pathlib import Path
from random import Random

import pytest

from adapters.chunk_store.chunks import BITE, FILE_BITE, LARGEST, SMALLEST, Chunker, cut_file, digest_of


def noise(size: int, seed: int = 0) -> bytes:
    return Random(seed).randbytes(size)


class TestCutting:
    @pytest.mark.parametrize("size", [0, 1, SMALLEST, SMALLEST + 1, BITE - 1, BITE, 2 * BITE + 17])
    @pytest.mark.parametrize("bite", [10_000, BITE + 1])
    def test_chunks_are_the_bytes_however_they_arrive(self, size: int, bite: int) -> None:
        data, whole = noise(size), Chunker()
        chunker = Chunker()
        cut = [chunk for at in range(0, size, bite) for chunk in chunker.feed(data[at : at + bite])]
        cut += chunker.finish()
        assert b"".join(cut) == data
        assert cut == [*whole.feed(data), *whole.finish()]
        assert all(SMALLEST <= len(chunk) <= LARGEST for chunk in cut[:-1])

    @pytest.mark.parametrize("size", [0, 1, SMALLEST, FILE_BITE - 1, FILE_BITE, FILE_BITE + LARGEST, 2 * BITE + 17])
    @pytest.mark.parametrize("alike", [True, False])
    def test_a_file_is_cut_where_its_bytes_are(self, tmp_path: Path, size: int, alike: bool) -> None:
        path, data, whole = tmp_path / "file", bytes(size) if alike else noise(size), Chunker()
        path.write_bytes(data)
        counted: list[int] = []
        with FileIO(path) as file:
            assert list(cut_file(file, counted.append)) == [*whole.feed(data), *whole.finish()]
        assert sum(counted) == size

    def test_an_insert_moves_only_the_chunks_around_it(self) -> None:
        data = noise(4 * BITE)
        changed = data[:BITE] + b"inserted" + data[BITE:]
        before, after = ({digest_of(chunk) for chunk in [*c.feed(d), *c.finish()]} for c, d in _both(data, changed))
        assert len(after - before) <= 2


def _both(*data: bytes) -> list[tuple[Chunker, bytes]]:
    return [(Chunker(), one) for one in data]

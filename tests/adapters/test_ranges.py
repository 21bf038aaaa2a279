"""Parts of objects: which are read together, and that everything asked for is covered."""

import random

from adapters.object_store.protocol import Range
from adapters.object_store.ranges import RangedFile, spans

KIB, MIB = 2**10, 2**20


def requests(wanted: list[Range]) -> list[Range]:
    return [(span.key, span.start, span.end - span.start) for span in spans(wanted)]


def test_neighbours_are_read_together() -> None:
    assert requests([("a", 100, 50), ("a", 0, 100), ("a", 150, 1)]) == [("a", 0, 151)]


def test_a_small_gap_is_read_over_and_a_large_one_is_not() -> None:
    assert requests([("a", 0, 10), ("a", 10 + 64 * KIB, 5)]) == [("a", 0, 15 + 64 * KIB)]
    assert requests([("a", 0, 10), ("a", MIB, 5)]) == [("a", 0, 10), ("a", MIB, 5)]


def test_objects_are_read_apart() -> None:
    assert requests([("a", 0, 10), ("b", 10, 10)]) == [("a", 0, 10), ("b", 10, 10)]


def test_what_is_read_together_has_an_end() -> None:
    found = requests([("a", part * MIB, MIB) for part in range(40)])
    assert found == [("a", 0, 16 * MIB), ("a", 16 * MIB, 16 * MIB), ("a", 32 * MIB, 8 * MIB)]


def test_one_that_holds_others_covers_them() -> None:
    assert requests([("a", 0, 100), ("a", 10, 5), ("a", 90, 10)]) == [("a", 0, 100)]


def test_every_range_is_covered_by_its_request() -> None:
    chance = random.Random(3)
    wanted = [(chance.choice("abc"), chance.randrange(30 * MIB), chance.randrange(MIB)) for _ in range(500)]
    covered = [place for span in spans(wanted) for place in span.covers]
    assert sorted(covered) == list(range(500))
    for span in spans(wanted):
        for key, start, length in (wanted[place] for place in span.covers):
            assert key == span.key
            assert span.start <= start <= start + length <= span.end


def test_file_reads_all_of_its_rest_in_few_requests() -> None:
    asked: list[int] = []

    def read(start: int, length: int) -> bytes:
        asked.append(length)
        return bytes(length)

    file = RangedFile(read, 40 * MIB)
    file.seek(-33 * MIB, 2)
    assert len(file.readall()) == 33 * MIB
    assert asked == [16 * MIB, 16 * MIB, MIB]

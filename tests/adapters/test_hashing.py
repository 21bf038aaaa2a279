"""`HashBeside` gives what hashlib gives, however the bytes come and whoever is slow."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from random import Random

import pytest

from adapters.chunk_store.hashing import BEHIND, GROUP, HashBeside


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.mark.parametrize("bite", [1_000, GROUP - 1, GROUP, 3 * GROUP + 7])
def test_hashes_in_order(pool: ThreadPoolExecutor, bite: int) -> None:
    data = Random(bite).randbytes(min(9 * GROUP, 500 * bite) + 3)
    hashing = HashBeside(pool)
    for start in range(0, len(data), bite):
        hashing.update(data[start : start + bite])
    assert hashing.hexdigest() == md5(data, usedforsecurity=False).hexdigest()


def test_goes_on_behind_a_digest(pool: ThreadPoolExecutor) -> None:
    hashing = HashBeside(pool)
    assert hashing.hexdigest() == md5(b"", usedforsecurity=False).hexdigest()
    hashing.update(bytes(GROUP))
    assert hashing.hexdigest() == md5(bytes(GROUP), usedforsecurity=False).hexdigest()
    hashing.update(b"more")
    assert hashing.hexdigest() == md5(bytes(GROUP) + b"more", usedforsecurity=False).hexdigest()


def test_small_contents_need_no_thread() -> None:
    started = ThreadPoolExecutor(1)
    started.shutdown()  # whoever asks it for anything gets an error
    hashing = HashBeside(started)
    hashing.update(b"small")
    assert hashing.hexdigest() == md5(b"small", usedforsecurity=False).hexdigest()


def test_waits_rather_than_hold_all_that_comes() -> None:
    busy, done = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(busy.wait, 20)
        hashing = HashBeside(pool)

        def fill() -> None:
            for _ in range(BEHIND + 1):
                hashing.update(bytes(GROUP))
            done.set()

        filler = threading.Thread(target=fill)
        filler.start()
        assert not done.wait(0.2)
        busy.set()
        assert done.wait(20)
        filler.join()
        assert hashing.hexdigest() == md5(bytes(GROUP * (BEHIND + 1)), usedforsecurity=False).hexdigest()

"""Many requests at once, few at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def all_of(act: Callable[[T], R], over: Iterable[T], *, at_once: int) -> list[R]:
    """What `act` gives for each, in order. The first error ends it: nothing new is begun, what runs is waited for."""
    source = iter(over)
    first = list(islice(source, 2))
    if at_once == 1 or len(first) < 2:
        return [act(each) for each in chain(first, source)]
    done: list[R] = []
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix="store") as pool:
        try:
            for each in chain(first, source):
                if len(waiting) == 2 * at_once:
                    done.append(waiting.popleft().result())
                waiting.append(pool.submit(act, each))
            done.extend(future.result() for future in waiting)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return done


def batches(source: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(source)
    while batch := list(islice(rest, size)):
        yield batch

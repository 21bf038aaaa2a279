"""The sampler: whose time it sees, what it costs, how much it keeps."""

import re
import time
from threading import Thread

import pytest

from workers.profiles import INTERVAL_SECONDS, Sampler


def rest() -> None:
    time.sleep(0.15)


def compute(seconds: float = 0.15) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def divide() -> None:
    compute()
    raise ZeroDivisionError


class TestSampling:
    def test_sees_where_the_time_of_its_thread_went(self) -> None:
        sampler = Sampler("a test")
        other = Thread(target=rest, name="other")
        with sampler.running():
            other.start()
            compute()
            rest()
        other.join()
        seconds = dict.fromkeys(("compute", "rest"), 0.0)
        for stack, lasted in sampler.samples:
            assert stack[0].startswith("MainThread\0<thread>")
            leaf = stack[-1].partition("\0")[0]
            if leaf in seconds:
                seconds[leaf] += lasted
        assert seconds == pytest.approx({"compute": 0.15, "rest": 0.15}, abs=0.07)

    def test_ends_with_an_error_and_passes_it_on(self) -> None:
        sampler = Sampler("a test")
        with pytest.raises(ZeroDivisionError), sampler.running():
            divide()
        seen = len(sampler.samples)
        compute()
        assert len(sampler.samples) == seen > 0

    def test_costs_python_code_little(self) -> None:
        def calls() -> float:
            started = time.thread_time()
            for _ in range(300_000):
                len("")
            return time.thread_time() - started

        alone = min(calls() for _ in range(3))
        with Sampler("a test").running():
            watched = min(calls() for _ in range(3))
        assert watched < 1.3 * alone

    def test_of_nothing_makes_a_profile_all_the_same(self) -> None:
        sampler = Sampler("a test")
        with sampler.running():
            pass
        profile = sampler.profile()
        assert all((profile.html, profile.speedscope, profile.text))


class TestALongRun:
    def test_keeps_so_many_samples_and_all_of_the_time(self) -> None:
        sampler = Sampler("a test", most=100)
        for number in range(10_000):
            sampler.see([f"f{number % 7}\0x.py\0001"], INTERVAL_SECONDS)
            assert len(sampler.samples) <= 100
        assert sum(lasted for _, lasted in sampler.samples) == pytest.approx(10_000 * INTERVAL_SECONDS)
        assert len({stack[0] for stack, _ in sampler.samples}) == 7


class TestThePage:
    def test_is_not_ended_by_the_name_of_a_file(self) -> None:
        code = compile("def f(sleep):\n    sleep(0.05)\n", "</script><script>alert(1)</script>.py", "exec")
        made: dict[str, object] = {}
        exec(code, made)  # noqa: S102 - the name of the file is what the test is about
        sampler = Sampler("a test")
        with sampler.running():
            made["f"](time.sleep)  # type: ignore[operator]  # it is the function above
        page = sampler.profile().html
        assert "alert(1)" in page
        assert "</script><script>alert" not in page

    def test_asks_for_nothing_from_elsewhere(self) -> None:
        sampler = Sampler("a test")
        with sampler.running():
            compute(0.05)
        page = sampler.profile().html
        assert not re.search(r"<(?:link|img|iframe)\b|<script[^>]+src|@import|fetch\(|XMLHttpRequest|https://", page)

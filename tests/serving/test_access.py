"""Visibility by address and token, and rates by caller: asked from any address, over ASGI."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response
from pydantic import ValidationError

from adapters.object_store.local import LocalStore
from adapters.settings import Settings
from domain.access.origins import COOKIE
from serving.access import Access
from serving.app import ServingApp, running
from serving.errors import RateLimited
from serving.limits import Limits
from serving.main import limits_of
from serving.rates import Rates
from serving.requests import Headers
from tests import servers
from tests.serving.plants import BEARER, ROW, TOKEN, admit, route

Call = tuple[str, dict[str, str]]
Asked = Callable[..., list[Response]]
OTHER = {"Authorization": "Bearer another"}


@pytest.fixture
def asked(store: LocalStore, bikes: str, app: ServingApp) -> Asked:
    """Asks the endpoint with the given settings, once for each (address, headers)."""

    async def go(calls: list[Call]) -> list[Response]:
        answers = []
        async with running(app):
            for address, headers in calls:
                transport = ASGITransport(app, client=(address, 1234))
                async with AsyncClient(transport=transport, base_url="http://serving", headers=headers) as client:
                    answers.append(await client.post("/serve/bikes/predict", json={"instances": [ROW]}))
        return answers

    def ask(calls: list[Call], **settings: object) -> list[Response]:
        route(store, "bikes", 2, (1, bikes), **settings)  # type: ignore[arg-type]  # settings, no standby
        admit(store, TOKEN, "another", revision=2)
        return asyncio.run(go(calls))

    return ask


class TestSession:
    @pytest.mark.parametrize("cookies", [f"{COOKIE}={TOKEN}", f"theme=dark; {COOKIE}={TOKEN}; a=b"])
    def test_of_the_dashboard_may_ask(self, asked: Asked, cookies: str) -> None:
        ours = ({"Origin": "http://serving"}, {"Sec-Fetch-Site": "same-origin"})
        assert statuses(asked([("1.1.1.1", {"Cookie": cookies} | headers) for headers in ours])) == [200, 200]

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Origin": "http://[is-none"},
            {"Origin": "http://serving:9"},
            {"Sec-Fetch-Site": "same-site", "Origin": "http://serving"},
        ],
    )
    def test_does_not_speak_for_pages_of_others(self, asked: Asked, headers: dict[str, str]) -> None:
        assert statuses(asked([("1.1.1.1", {"Cookie": f"{COOKIE}={TOKEN}"} | headers)])) == [401]

    def test_counts_for_nothing_beside_a_token_or_when_it_is_none(self, asked: Asked) -> None:
        session = f"{COOKIE}={TOKEN}"
        calls = [{"Cookie": session, "Authorization": "Bearer x"}, {"Cookie": f"{COOKIE}=x"}, {"Cookie": f"{COOKIE}="}]
        here = {"Origin": "http://serving"}
        assert statuses(asked([("1.1.1.1", headers | here) for headers in calls])) == [403, 403, 401]


def statuses(answers: list[Response]) -> list[int]:
    return [answer.status_code for answer in answers]


class TestInternal:
    @pytest.fixture
    def limits(self, tmp_path: Path) -> Limits:
        return limits_of(Settings(home=tmp_path))

    @pytest.mark.parametrize(
        "address",
        ["127.0.0.1", "127.8.9.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "::1", "::ffff:10.1.2.3", "fd00::1"],
    )
    def test_answers_nearby_callers_without_a_token(self, asked: Asked, address: str) -> None:
        assert statuses(asked([(address, {})], visibility="internal")) == [200]

    @pytest.mark.parametrize(
        "address", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8", "unknown", "", "10.1.2.3.4"]
    )
    def test_refuses_others_whatever_they_bear(self, asked: Asked, address: str) -> None:
        forged = {"X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3"}
        answers = asked([(address, BEARER), (address, forged)], visibility="internal")
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "not_internal")] * 2

    def test_takes_the_address_that_a_trusted_proxy_tells(self, store: LocalStore, app: ServingApp, bikes: str) -> None:
        """By uvicorn, which trusts loopback alone unless told otherwise."""
        route(store, "bikes", 2, (1, bikes), visibility="internal")

        async def go(url: str) -> list[int]:
            async with AsyncClient(base_url=url) as client:
                paths = [{}, {"X-Forwarded-For": "8.8.8.8"}, {"X-Forwarded-For": "10.0.0.9, 127.0.0.1"}]
                return [
                    (await client.post("/serve/bikes/predict", json={"instances": [ROW]}, headers=headers)).status_code
                    for headers in paths
                ]

        with asyncio.Runner() as runner:
            plane = running(app)
            runner.run(plane.__aenter__())
            with servers.serving(app) as url:
                assert runner.run(go(url)) == [200, 403, 200]
            runner.run(plane.__aexit__(None, None, None))

    def test_networks_are_a_setting(self, tmp_path: Path) -> None:
        chosen = limits_of(Settings(home=tmp_path, internal_networks="203.0.113.0/24, 2001:db8::/32"))
        assert [str(network) for network in chosen.internal_networks] == ["203.0.113.0/24", "2001:db8::/32"]
        assert limits_of(Settings(home=tmp_path, internal_networks="")).internal_networks == ()
        with pytest.raises(ValidationError, match=r"10\.0\.0\.1/8"):
            Settings(home=tmp_path, internal_networks="10.0.0.1/8")


class TestRate:
    def test_is_kept_for_each_token(self, asked: Asked) -> None:
        answers = asked([("1.1.1.1", BEARER)] * 3 + [("1.1.1.1", OTHER)] * 2, requests_per_second=2)
        assert statuses(answers) == [200, 200, 429, 200, 200]
        refused = answers[2]
        assert refused.json()["code"] == "rate_limited"
        assert refused.headers["retry-after"] == "1"

    def test_says_exactly_when_to_come_back(self, asked: Asked) -> None:
        answers = asked([("1.1.1.1", BEARER)] * 2, requests_per_second=0.1)
        assert statuses(answers) == [200, 429]
        assert answers[1].headers["retry-after"] == "10"

    def test_is_kept_for_each_address_of_callers_without_a_token(self, asked: Asked) -> None:
        calls: list[Call] = [("1.1.1.1", {}), ("1.1.1.1", {}), ("2.2.2.2", {}), ("", {}), ("", {})]
        assert statuses(asked(calls, visibility="public", requests_per_second=1)) == [200, 429, 200, 200, 429]

    def test_invented_tokens_are_no_callers_of_their_own(self, asked: Asked) -> None:
        calls = [("1.1.1.1", {"Authorization": f"Bearer invented-{number}"}) for number in range(3)]
        answers = asked([*calls, ("1.1.1.1", BEARER)], visibility="public", requests_per_second=1)
        assert statuses(answers) == [200, 429, 429, 200]

    def test_one_caller_has_a_whole_ipv6_network(self, asked: Asked) -> None:
        calls: list[Call] = [("2001:db8:0:1::1", {}), ("2001:db8:0:1:ffff::2", {}), ("2001:db8:0:2::1", {})]
        assert statuses(asked(calls, visibility="public", requests_per_second=1)) == [200, 429, 200]

    def test_a_public_endpoint_takes_fifty_when_nothing_is_said(
        self, store: LocalStore, bikes: str, app: ServingApp
    ) -> None:
        route(store, "bikes", 2, (1, bikes), visibility="public")
        app.table.refresh()
        access = Access(app.table, (), Rates(clock=lambda: 0.0))
        scope = {"headers": [], "client": ("1.1.1.1", 1)}
        for _ in range(50):
            assert access.admitted("bikes", Headers(scope), scope).name == "bikes"
        with pytest.raises(RateLimited):
            access.admitted("bikes", Headers(scope), scope)
        app.table.stop()
        app.engine.close()

    def test_a_stranger_uses_up_nothing(self, asked: Asked) -> None:
        answers = asked([("1.1.1.1", {})] * 5 + [("1.1.1.1", BEARER)], requests_per_second=1)
        assert statuses(answers) == [401] * 5 + [200]


class TestBuckets:
    @pytest.fixture
    def now(self) -> list[float]:
        return [1000.0]

    @pytest.fixture
    def rates(self, now: list[float]) -> Rates:
        return Rates(keep=3, clock=lambda: now[0])

    def test_fill_up_again_at_the_rate_and_not_beyond_a_second(self, rates: Rates, now: list[float]) -> None:
        assert [rates.wait_seconds("e", "c", 2.0) for _ in range(3)] == [0.0, 0.0, 0.5]
        now[0] += 0.5
        assert [rates.wait_seconds("e", "c", 2.0) for _ in range(2)] == [0.0, 0.5]
        now[0] += 3600
        assert [rates.wait_seconds("e", "c", 2.0) for _ in range(3)] == [0.0, 0.0, 0.5]

    def test_waiting_as_long_as_told_is_enough(self, rates: Rates, now: list[float]) -> None:
        for per_second in (0.3, 3.0, 7.0, 1000.0):
            while not (wait := rates.wait_seconds("e", str(per_second), per_second)):
                pass
            now[0] += wait
            assert rates.wait_seconds("e", str(per_second), per_second) == 0.0

    def test_those_who_ask_too_often_are_not_set_back(self, rates: Rates, now: list[float]) -> None:
        rates.wait_seconds("e", "c", 1.0)
        for _ in range(99):
            now[0] += 0.01
            assert rates.wait_seconds("e", "c", 1.0) > 0
        now[0] += 0.01
        assert rates.wait_seconds("e", "c", 1.0) == 0.0

    def test_only_so_many_are_kept_and_the_least_used_goes_first(self, rates: Rates) -> None:
        for caller in "abc":
            assert rates.wait_seconds("e", caller, 1.0) == 0.0
        assert rates.wait_seconds("e", "a", 1.0) > 0
        assert rates.wait_seconds("e", "d", 1.0) == 0.0  # b, the one that asked least lately, is forgotten
        assert rates.wait_seconds("e", "a", 1.0) > 0
        assert rates.wait_seconds("e", "b", 1.0) == 0.0

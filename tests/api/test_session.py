"""The dashboard's session: a cookie that reads, and that writes only for pages of this origin."""

import httpx
import pytest

from domain.access.origins import COOKIE

HERE = {"Origin": "http://millrace"}
WANTED = {"name": "bikes"}


@pytest.fixture
def browser(client: httpx.Client) -> httpx.Client:
    """Signed in: the token is in the cookie, and no request has it in a header."""
    token = client.headers.pop("Authorization").removeprefix("Bearer ")
    answer = client.post("session", json={"token": token})
    assert answer.status_code == 200
    client.cookies.set(COOKIE, token)
    return client


def test_reads_from_anywhere_the_browser_sends_it(browser: httpx.Client) -> None:
    assert browser.get("whoami").json()["name"] == "admin"


@pytest.mark.parametrize("headers", [HERE, {"Sec-Fetch-Site": "same-origin"}])
def test_writes_for_pages_of_this_origin(browser: httpx.Client, headers: dict[str, str]) -> None:
    assert browser.post("datasets", json=WANTED, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://[is-none"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://millrace:9000"},
        {"Sec-Fetch-Site": "same-site"} | HERE,
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_writes_for_no_other_page(browser: httpx.Client, headers: dict[str, str]) -> None:
    answer = browser.post("datasets", json=WANTED, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert browser.get("datasets").json()["items"] == []


def test_a_token_in_the_header_writes_from_anywhere(client: httpx.Client) -> None:
    answer = client.post("datasets", json=WANTED, headers={"Origin": "http://elsewhere.example"})
    assert answer.status_code == 201

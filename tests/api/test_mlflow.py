"""`/mlflow` over real HTTP before a stand-in: who may pass, what is passed on, and what comes back."""

import http.client
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from structlog.testing import capture_logs

from adapters.runtime import Runtime
from adapters.settings import Settings
from api.bootstrap import bootstrap
from api.main import create_app
from domain.access import service as access
from domain.access.actor import Role
from domain.access.origins import COOKIE
from tests.api.upstream import Upstream
from tests.servers import free_port, serving

JSON = {"content-type": "application/json"}
SEARCH = "api/2.0/mlflow/runs/search"
CREATE = "api/2.0/mlflow/runs/create"
ARTIFACT = "api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/model.bin"

CHANGES = [
    ("POST", CREATE),
    ("POST", "ajax-api/2.0/mlflow/runs/log-batch"),
    ("PATCH", "api/2.0/mlflow/registered-models/update"),
    ("DELETE", "api/2.0/mlflow/model-versions/delete"),
    ("PUT", ARTIFACT),
    ("DELETE", ARTIFACT),
    ("POST", "api/2.0/mlflow-artifacts/mpu/create/x"),
    ("POST", "v1/traces"),
]
NOT_PASSED_ON = [
    ("POST", "ajax-api/3.0/mlflow/assistant/message"),
    ("GET", "ajax-api/3.0/mlflow/assistant/config"),
    ("POST", "gateway/mlflow/v1/chat/completions"),
    ("POST", "ajax-api/2.0/mlflow/gateway-proxy"),
    ("POST", "api/3.0/mlflow/gateway/secrets/create"),
    ("POST", "api/2.0/mlflow/webhooks"),
    ("POST", "ajax-api/3.0/jobs/x"),
    ("POST", "ajax-api/3.0/mlflow/scorer/invoke"),
    ("POST", "ajax-api/3.0/mlflow/issues/invoke"),
    ("POST", "api/3.0/mlflow/workspaces"),
    ("POST", "get-artifact"),
    ("GET", "something-new"),
]
TRICKS = [
    "/mlflow/../api/v1/whoami",
    "/mlflow/api/2.0/../../secret",
    "/mlflow/%2e%2e/secret",
    "/mlflow/static-files/%2e%2e%2fx",
    "/mlflow/static-files/a%2fb",
    "/mlflow/static-files/%252e%252e/x",
    "/mlflow/static-files/a%5cb",
    "/mlflow/static-files/a%00b",
    "/mlflow/static-files/%ff",
    "/mlflow//evil.example/x",
    "/mlflow/static-files//x",
    "/mlflow/http://evil.example/",
]


@dataclass(frozen=True)
class Door:
    """The API at `url`, its MLflow, and tokens."""

    url: str
    upstream: Upstream
    admin: str
    reader: str

    def ask(self, method: str, path: str, *, token: str | None = None, **more: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.admin}", **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
        return httpx.request(method, f"{self.url}/mlflow/{path}", headers=headers, **more)  # type: ignore[arg-type]

    def ask_raw(self, target: str, *, method: str = "GET") -> int:
        """The status for a request line as it is: httpx would put the path in order."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        try:
            connection.request(method, target, headers={"Authorization": f"Bearer {self.admin}"})
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def mlflow_url(upstream: Upstream) -> Iterator[str]:
    with serving(upstream) as url:
        yield f"{url}/mlflow"


@pytest.fixture
def settings(tmp_path: Path, database_url: str, mlflow_url: str) -> Settings:
    return Settings(
        home=tmp_path / "home", database_url=database_url, mlflow_url=mlflow_url, max_body_bytes=10_000, _env_file=None
    )


@pytest.fixture
def door(runtime: Runtime, upstream: Upstream) -> Iterator[Door]:
    admin = bootstrap(runtime) or ""
    with runtime.transaction() as session:
        reader = access.create_token(session, name="looker", owner="looker", role=Role.VIEWER)[1]
    app = create_app(runtime)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await app.state.mlflow.aclose()

    app.router.lifespan_context = lifespan
    with serving(app, lifespan="on") as url:
        yield Door(url, upstream, admin, reader)


class TestWhoMayPass:
    def test_nobody_without_a_token(self, door: Door) -> None:
        for path in ("", "health", "api/2.0/mlflow/experiments/search", ARTIFACT, "v1/traces", "static-files/a.js"):
            answer = httpx.get(f"{door.url}/mlflow/{path}")
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert httpx.get(f"{door.url}/mlflow/", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert door.upstream.asked == []

    def test_a_bearer_token_a_basic_password_and_the_cookie(self, door: Door) -> None:
        basic = b64encode(f"anybody:{door.admin}".encode()).decode()
        for headers in (
            {"Authorization": f"Bearer {door.admin}"},
            {"Authorization": f"Basic {basic}"},
            {"Cookie": f"{COOKIE}={door.admin}"},
        ):
            assert httpx.get(f"{door.url}/mlflow/", headers=headers).status_code == 200

    def test_a_reader_searches_by_post(self, door: Door) -> None:
        for path in (SEARCH, "ajax-api/2.0/mlflow/logged-models/search", "graphql", "api/3.0/mlflow/traces/search"):
            assert door.ask("POST", path, token=door.reader, json={}).status_code == 200

    def test_a_reader_changes_nothing(self, door: Door) -> None:
        for method, path in CHANGES:
            answer = door.ask(method, path, token=door.reader, json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), path
        assert door.upstream.asked == []
        assert {door.ask(method, path, json={}).status_code for method, path in CHANGES} == {200}

    def test_a_cookie_writes_only_from_pages_of_this_origin(self, door: Door) -> None:
        cookie = {"Cookie": f"{COOKIE}={door.admin}"} | JSON
        others: tuple[dict[str, str], ...] = (
            {},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
        )
        for headers in (*others, {"Sec-Fetch-Site": "same-site", "Origin": door.url}):
            answer = httpx.post(f"{door.url}/mlflow/{CREATE}", headers=cookie | headers, content=b"{}")
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
        assert door.upstream.asked == []
        for headers in ({"Origin": door.url}, {"Sec-Fetch-Site": "same-origin"}):
            answer = httpx.post(f"{door.url}/mlflow/{CREATE}", headers=cookie | headers, content=b"{}")
            assert answer.status_code == 200


class TestWhatIsNotPassedOn:
    def test_is_refused_even_to_an_admin(self, door: Door) -> None:
        for method, path in NOT_PASSED_ON:
            answer = door.ask(method, path)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_passed_on"), path
        assert door.upstream.asked == []

    def test_a_path_that_could_mean_two_things(self, door: Door) -> None:
        assert {target: door.ask_raw(target) for target in TRICKS} == dict.fromkeys(TRICKS, 422)
        assert door.ask_raw("/mlflow/static-files/a%0d%0ab") == 404
        assert door.upstream.asked == []

    def test_another_host_in_the_request_line_is_ours(self, door: Door) -> None:
        assert door.ask_raw("http://evil.example/mlflow/version") == 200
        assert door.ask_raw("//evil.example/mlflow/version") == 404
        assert [one.headers["host"] for one in door.upstream.asked] == [door.upstream.asked[0].headers["host"]]
        assert "evil" not in door.upstream.asked[0].headers["host"]

    def test_methods_that_mlflow_has_no_use_for(self, door: Door) -> None:
        for method in ("OPTIONS", "TRACE", "PROPFIND"):
            assert door.ask(method, "version").status_code == 405
        assert door.upstream.asked == []

    @pytest.mark.parametrize("name", ["artifact_location", "artifactLocation"])
    def test_an_experiment_that_writes_where_it_likes(self, door: Door, name: str) -> None:
        path = "api/2.0/mlflow/experiments/create"
        answer = door.ask("POST", path, json={"name": "x", name: "file:///etc"})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_artifact_location")
        assert door.ask("POST", path, content=b"{").status_code == 422
        assert door.upstream.asked == []
        assert door.ask("POST", path, json={"name": "x"}).status_code == 200
        assert door.upstream.asked[0].body == b'{"name":"x"}'


class TestARequest:
    def test_arrives_as_it_was_without_who_sent_it(self, door: Door) -> None:
        answer = door.ask(
            "POST",
            "api/3.0/mlflow/traces/tr-1/assessments?a=%2F&b=x%20y",
            content=b'{"a": 1}',
            headers={
                **JSON,
                "Cookie": "other=1",
                "Connection": "x-mine",
                "X-Mine": "1",
                "X-Forwarded-For": "1.2.3.4",
                "Origin": "http://elsewhere",
                "X-Mlflow-Workspace": "w",
            },
        )
        assert answer.json() == {"path": "/mlflow/api/3.0/mlflow/traces/tr-1/assessments"}
        [asked] = door.upstream.asked
        assert (asked.method, asked.query, asked.body) == ("POST", "a=%2F&b=x%20y", b'{"a": 1}')
        assert asked.headers["x-mlflow-workspace"] == "w"
        assert asked.headers["content-length"] == "8"
        for name in ("authorization", "cookie", "x-mine", "x-forwarded-for", "origin"):
            assert name not in asked.headers

    def test_with_an_artifact_goes_to_the_route_that_streams(self, door: Door) -> None:
        name = "api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/a b%25.txt"
        assert door.ask("PUT", name, content=b"x").status_code == 200
        assert door.ask("GET", "api/2.0/mlflow-artifacts/artifacts").status_code == 200
        assert [one.path for one in door.upstream.asked] == [
            f"/{name.replace(' ', '%20')}",
            "/mlflow/api/2.0/mlflow-artifacts/artifacts",
        ]

    def test_with_a_large_body_is_refused_unless_it_is_an_artifact(self, door: Door) -> None:
        body = [b"x" * 8_000] * 3
        for content in (b"".join(body), iter(body)):
            answer = door.ask("POST", CREATE, content=content)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert door.upstream.asked == []
        assert door.ask("PUT", ARTIFACT, content=iter(body)).status_code == 200
        assert door.upstream.asked[0].size == 24_000

    def test_that_writes_is_logged_with_who_sent_it(self, door: Door) -> None:
        with capture_logs() as lines:
            door.ask("POST", CREATE, json={})
            door.ask("POST", SEARCH, json={})
        written = [line for line in lines if line["event"] == "mlflow_write"]
        assert [(line["actor"], line["path"], line["status"]) for line in written] == [("admin", CREATE, 200)]


class TestAnAnswer:
    def test_comes_back_without_what_is_between_two_hops(self, door: Door) -> None:
        headers = {"Set-Cookie": "a=b", "Access-Control-Allow-Origin": "*", "Keep-Alive": "1", "X-Kept": "1"}
        door.upstream.answer = lambda asked: Response(b"no", 404, headers)
        answer = door.ask("GET", "api/2.0/mlflow/runs/get")
        assert (answer.status_code, answer.content, answer.headers["x-kept"]) == (404, b"no", "1")
        for name in ("set-cookie", "access-control-allow-origin", "keep-alive"):
            assert name not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"

    def test_that_is_a_page_may_run_its_own_scripts_and_not_be_framed(self, door: Door) -> None:
        door.upstream.answer = lambda asked: HTMLResponse("<script src=a.js></script>")
        answer = door.ask("GET", "")
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-frame-options"] == "DENY"

    @pytest.mark.parametrize("path", [ARTIFACT, "get-artifact?path=a.html", "model-versions/get-artifact"])
    def test_that_somebody_stored_runs_nowhere(self, door: Door, path: str) -> None:
        door.upstream.answer = lambda asked: HTMLResponse("<script>alert(1)</script>")
        answer = door.ask("GET", path)
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["content-disposition"] == "attachment"

    def test_that_leads_on_stays_below_the_prefix(self, door: Door, mlflow_url: str) -> None:
        for location in (f"{mlflow_url}/version", "/mlflow/version", "version"):
            door.upstream.answer = lambda asked, to=location: RedirectResponse(to)  # type: ignore[misc]
            answer = door.ask("GET", "health")
            assert (answer.status_code, answer.headers["location"]) == (307, "/mlflow/version")
        for location in ("http://evil.example/", "/elsewhere", "//evil.example/mlflow/x"):
            door.upstream.answer = lambda asked, to=location: RedirectResponse(to)  # type: ignore[misc]
            assert door.ask("GET", "health").status_code == 503

    def test_is_streamed(self, door: Door) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(50):
                yield b"x" * 100_000

        door.upstream.answer = lambda asked: StreamingResponse(chunks())
        assert len(door.ask("GET", ARTIFACT).content) == 5_000_000

    def test_to_the_bare_prefix_leads_to_the_pages(self, door: Door) -> None:
        answer = httpx.get(f"{door.url}/mlflow", headers={"Authorization": f"Bearer {door.reader}"})
        assert (answer.status_code, answer.headers["location"]) == (307, "/mlflow/")


class TestWithoutMlflow:
    @pytest.fixture
    def mlflow_url(self) -> str:
        return f"http://127.0.0.1:{free_port()}/mlflow"

    def test_says_that_it_is_away(self, door: Door) -> None:
        answer = door.ask("GET", "api/2.0/mlflow/runs/get")
        assert (answer.status_code, answer.json()["code"]) == (503, "tracking_away")
        assert "MILLRACE_MLFLOW_URL" in answer.json()["fix"]

    def test_says_so_to_a_browser_in_a_page(self, door: Door) -> None:
        answer = door.ask("GET", "", headers={"Accept": "text/html,*/*"})
        assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "MLflow does not answer." in answer.text
        assert httpx.get(f"{door.url}/mlflow/", headers={"Accept": "text/html"}).status_code == 401


class TestWithNoneConfigured:
    @pytest.fixture
    def mlflow_url(self) -> str:
        return ""

    def test_says_that_there_is_none(self, door: Door) -> None:
        answer = door.ask("GET", "")
        assert (answer.status_code, answer.json()["code"]) == (503, "tracking_not_configured")

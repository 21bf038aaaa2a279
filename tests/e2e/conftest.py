"""A real browser, and a real server with the built dashboard, for the tests of what a person sees."""

import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from starlette.types import ASGIApp

from adapters.runtime import Runtime
from api.bootstrap import bootstrap
from api.dashboard import mount_dashboard
from api.embedded import side_by_side
from api.main import create_app
from serving.app import build_serving, running
from tests.conftest import Drain
from tests.flows.plane import working

FRONTEND = Path(__file__).parents[2] / "frontend"
AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
expect.set_options(timeout=15_000)
_RUN_AXE = """axe.run({ rules: { "target-size": { enabled: innerWidth <= 860 } } }).then(({ violations }) =>
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if _CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = playwright.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        yield opened
        opened.close()


@dataclass
class Screen:
    """A page, with what its console complained about. `audit` looks at it as a demanding visitor would."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))

    def _listen(self, message: ConsoleMessage) -> None:
        # A refused or failed request is part of several stories; a violated policy or a broken script of none.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"{message.type}: {message.text}")

    def sign_in(self, token: str) -> None:
        self.page.goto(self.url)
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def go_to(self, place: str) -> None:
        """By the menu beside the page."""
        self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=place).click()
        expect(self.page.get_by_role("heading", level=1, name=place)).to_be_visible()

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def submit(self, button: str, fields: Mapping[str, str] | None = None) -> None:
        """Fill the open form in and send it: it closes when the server has taken it."""
        for label, value in (fields or {}).items():
            field = self.dialog.get_by_label(label, exact=True)
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        self.dialog.get_by_role("button", name=button, exact=True).click()
        expect(self.dialog).to_have_count(0)

    def as_phone(self) -> None:
        self.page.set_viewport_size({"width": 360, "height": 740})

    def as_desk(self) -> None:
        self.page.set_viewport_size({"width": 1400, "height": 900})

    def audit(self, name: str) -> None:
        """Fail on console complaints, sideways scrolling, and accessibility violations in light and in dark.

        Keeps a screenshot.
        """
        pictures = FRONTEND / "test-results"
        pictures.mkdir(exist_ok=True)
        self.page.screenshot(path=pictures / f"{name}.png", full_page=True)
        assert self.complaints == []
        width, room = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= room, f"{name} scrolls sideways: {width} > {room}"
        # Evaluated by the debugger, so it needs no hole in the page's Content-Security-Policy.
        self.page.evaluate(AXE.read_text())
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            found = self.page.evaluate(_RUN_AXE)
            assert found == [], f"{name} in {scheme}"
        self.page.emulate_media(color_scheme="light")


@dataclass
class Site:
    """The real API and serving with the built dashboard at a port of its own; can be taken away and brought back."""

    runtime: Runtime
    token: str
    port: int
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {self.token}"})

    def _app(self) -> ASGIApp:
        """As `api.embedded` makes it, but serving looks more often."""
        app = create_app(self.runtime)
        scratch = self.runtime.settings.home / "serving"
        serving = build_serving(
            self.runtime.models, scratch, flush_seconds=0.05, poll_seconds=0.05, heartbeat_seconds=0.1
        )

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            async with running(serving):
                yield

        app.router.lifespan_context = lifespan
        mount_dashboard(app, self.runtime.settings.dashboard_dir)
        return side_by_side(app, serving)

    def start(self) -> None:
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=self.port, log_config=None, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="site")
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server took too long to start"
            time.sleep(0.02)

    def until(self, holds: Callable[[], bool], *, seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "did not happen in time"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=20)
        self._server = None


@contextmanager
def open_site(runtime: Runtime, token: str) -> Iterator[Site]:
    """The API of this runtime with the built dashboard, until the block ends."""
    assert (runtime.settings.dashboard_dir / "index.html").is_file(), "the dashboard is not built: run `make dashboard`"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    opened = Site(runtime, token, port)
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()


@pytest.fixture
def site(runtime: Runtime) -> Iterator[Site]:
    token = bootstrap(runtime)
    assert token is not None
    with open_site(runtime, token) as opened:
        yield opened


@pytest.fixture
def worker(drain: Drain) -> Iterator[None]:
    """Does the jobs that the page orders, beside the test."""
    with working(drain):
        yield


@pytest.fixture
def screen(browser: Browser, site: Site) -> Iterator[Screen]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield Screen(context.new_page(), f"{site.url}/")
    context.close()

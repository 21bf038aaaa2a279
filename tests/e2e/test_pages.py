"""Every page of the dashboard, opened by its address on a phone, over a system that has one of each noun."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.world import World, build_world
from tests.architecture.test_dashboard import addresses
from tests.e2e.conftest import Screen, Site, open_site

pytestmark = pytest.mark.browser

# No recorded answer stands behind the id of a prediction here.
AWAY = {"/predictions/$id"}


@pytest.fixture(scope="module")
def world(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    shutil.copy(migrated, home / "millrace.db")
    with build_world(home, f"sqlite:///{home}/millrace.db") as built:
        yield built


@pytest.fixture(scope="module")
def full(world: World) -> Iterator[Site]:
    token = world.client.headers["Authorization"].removeprefix("Bearer ")
    with open_site(world.runtime, token) as opened:
        yield opened


def filled(address: str, names: dict[str, str]) -> str:
    """`/runs/$id` with the id of a run."""
    return re.sub(r"([a-z-]+)/\$\w+", lambda found: f"{found[1]}/{names[found[1]]}", address)


@pytest.mark.parametrize("address", [one for one in addresses() if one not in AWAY])
def test_page_shows_what_there_is(browser: Browser, full: Site, world: World, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    context.add_cookies([{"name": "millrace_token", "value": full.token, "url": full.url}])
    screen = Screen(context.new_page(), full.url)
    names = {**world.names, "monitoring": world.names["endpoints"]}
    screen.page.goto(full.url + filled(address, names))
    expect(screen.page.locator("main h1").first).not_to_be_empty()
    expect(screen.page.get_by_text(re.compile("could not be drawn|There is no such thing|did not work"))).to_have_count(
        0
    )
    screen.audit(f"page{address.replace('/', '-')}")
    context.close()

"""The profile of a run in a real browser: its page runs in the sandbox it is served to, and reaches nothing."""

import pytest
from playwright.sync_api import Browser, expect

from adapters.runtime import Runtime
from api.bootstrap import bootstrap
from api.main import create_app
from domain.experiments.models import Run
from tests.e2e.conftest import FRONTEND, Screen
from tests.finished_runs import finished_run, make_data
from tests.servers import serving
from tests.workers.test_profiles import compute
from workers.profiles import Sampler

pytestmark = pytest.mark.browser
_LOOK_AROUND = """async (url) => ({
    origin: window.origin,
    asked: await fetch(url).then(() => 'answered', () => 'refused'),
    cookie: (() => { try { return document.cookie } catch { return 'refused' } })(),
})"""


def test_is_drawn_and_cannot_speak_to_the_api(browser: Browser, runtime: Runtime) -> None:
    sampler = Sampler("Training run")
    with sampler.running():
        compute()
    page_md5 = runtime.contents.add(sampler.profile().html.encode()).md5
    with runtime.transaction() as session:
        run_id = finished_run(session, make_data(session))
        session.get_one(Run, run_id).profile_html_md5 = page_md5
    token = bootstrap(runtime)
    with serving(create_app(runtime)) as url:
        context = browser.new_context(extra_http_headers={"Authorization": f"Bearer {token}"})
        screen = Screen(context.new_page(), url)
        screen.page.goto(f"{url}/api/v1/runs/{run_id}/profile")
        expect(screen.page.get_by_text("compute").first).to_be_visible()
        assert screen.complaints == []
        pictures = FRONTEND / "test-results"
        pictures.mkdir(exist_ok=True)
        screen.page.screenshot(path=pictures / "profile.png")
        assert screen.page.evaluate(_LOOK_AROUND, f"{url}/api/v1/runs") == {
            "origin": "null", "asked": "refused", "cookie": "refused"
        }  # fmt: skip
        context.close()

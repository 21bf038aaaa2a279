"""Walk 2: the world moves. An alert on a phone, what drifted, a retrain refused, a better version, and back again."""

import re
from collections.abc import Callable, Iterator

import httpx
import polars as pl
import pytest
from playwright.sync_api import expect

from tests.conftest import Drain
from tests.e2e.conftest import Screen, Site
from tests.flows.plane import TRAIN, promote, set_out, working
from tests.flows.test_watch import MONITOR, RETRAIN, moved
from tests.training_data import upload
from workers.handlers.monitoring import open_windows
from workers.toolbox import Toolbox
from workers.traffic import list_segments

pytestmark = pytest.mark.browser


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """The API of the site, as the flows speak to it."""
    with site.client as opened:
        yield opened


@pytest.fixture
def moving(site: Site, client: httpx.Client, drain: Drain, tools: Toolbox) -> Callable[[], None]:
    """Version 1 of `rides` answers, watched, with a pipeline that retrains it. Called, the world has moved."""
    set_out(client, drain, train={})
    assert client.put("endpoints/rides/monitor", json=MONITOR).status_code == 200
    assert client.put("pipelines/retrain", json=RETRAIN).status_code == 201
    assert promote(client, drain, 1)["state"] == "applied"

    def move() -> None:
        replay(site, moved(100, seed=11))
        open_windows(tools)

    return move


def replay(site: Site, rows: pl.DataFrame) -> None:
    """Ask for all of them, and wait until that is recorded."""
    headers = {"Authorization": f"Bearer {site.token}"}
    body = {"instances": rows.drop("rides").to_dicts()}

    def recorded(asked: str) -> bool:
        return any(one.first_id <= asked <= one.last_id for one in list_segments(site.runtime.models, "rides"))

    site.until(lambda: httpx.get(f"{site.url}/v2/models/rides/ready", headers=headers).status_code == 200)
    answer = httpx.post(f"{site.url}/serve/rides/predict", json=body, headers=headers).raise_for_status()
    site.until(lambda: recorded(answer.json()["ids"][-1]))


def test_from_an_alert_to_a_better_version_and_back(
    screen: Screen, site: Site, client: httpx.Client, drain: Drain, moving: Callable[[], None]
) -> None:
    screen.sign_in(site.token)
    with working(drain):
        moving()
        the_alert_is_acknowledged_on_a_phone(screen)
        the_drift_page_says_what_moved(screen)
        the_retrain_is_refused_with_reasons(screen)
        upload(client, "rides", moved(400, seed=12))
        upload(client, "frozen", moved(300, seed=13))
        a_better_version_is_trained(screen)
        it_takes_over_by_steps(screen)
        one_button_brings_the_old_one_back(screen)


def the_alert_is_acknowledged_on_a_phone(screen: Screen) -> None:
    page = screen.page
    screen.as_phone()
    expect(page.get_by_text(re.compile("needs? you"))).to_be_visible()  # the gate may have spoken already
    page.get_by_role("link", name="1 open alert").click()
    alerts = page.get_by_role("region", name="Open alerts")
    expect(alerts.get_by_text("drifted over 100 rows")).to_be_visible()
    alerts.get_by_role("link", name="Drift").click()
    screen.audit("walk-2-alert")
    screen.button("Acknowledge").click()
    screen.submit("Acknowledge", {"Note": "A warm spell; looking."})
    expect(page.get_by_role("heading", level=1)).to_contain_text("acknowledged")
    expect(page.get_by_text("A warm spell; looking.")).to_be_visible()
    screen.audit("walk-2-acknowledged")


def the_drift_page_says_what_moved(screen: Screen) -> None:
    screen.page.get_by_role("link", name="Distributions of this window").click()
    expect(screen.page.get_by_role("heading", name="temp: reference against this window")).to_be_visible()
    expect(screen.page.get_by_role("img", name="Drift of").locator("canvas").first).to_be_visible()
    screen.audit("walk-2-drift-phone")
    screen.as_desk()
    expect(screen.page.get_by_role("row").filter(has_text="temp")).to_contain_text("drifted")
    expect(screen.page.get_by_role("row").filter(has_text="hour")).to_contain_text("quiet")
    screen.audit("walk-2-drift")


def the_retrain_is_refused_with_reasons(screen: Screen) -> None:
    page = screen.page
    page.get_by_role("tab", name="Governor").click()
    expect(page.get_by_text("1 started within a day")).to_be_visible()
    screen.audit("walk-2-governor")
    screen.go_to("Pipelines")
    page.get_by_role("link", name="retrain", exact=True).click()
    expect(page.get_by_text("The champion stays: Not better than the champion").first).to_be_visible()
    screen.audit("walk-2-pipeline")
    screen.go_to("Models")
    page.get_by_role("link", name="rides", exact=True).click()
    page.get_by_role("link", name="v2", exact=True).first.click()
    expect(page.get_by_text("Refused by 1 of 2 gates")).to_be_visible()
    expect(page.get_by_role("list", name="What to do next")).not_to_be_empty()
    screen.audit("walk-2-refused")


def a_better_version_is_trained(screen: Screen) -> None:
    page = screen.page
    page.goto(f"{screen.url}experiments/study")
    screen.button("Train").click()
    fields = {"Dataset": "rides", "Version": "2", "Trainer": "linear", "Target": "rides"}
    screen.submit("Train", {**fields, "Features": ", ".join(TRAIN["features"]), "Model": "rides"})
    expect(page.get_by_role("heading", level=1)).to_contain_text("finished")
    page.get_by_role("link", name="rides v3").click()


def it_takes_over_by_steps(screen: Screen) -> None:
    page = screen.page
    page.goto(f"{screen.url}endpoints/rides?tab=settings")
    screen.button("Change settings").click()
    screen.submit("Save", {"Strategy": "canary"})
    page.goto(f"{screen.url}models/rides/versions/3")
    screen.button("Request promotion").click()
    page.get_by_role("link", name="Follow the decision").click()
    expect(page.get_by_text("All 2 gates let it pass")).to_be_visible()
    screen.audit("walk-2-passed")
    page.goto(f"{screen.url}endpoints/rides")
    page.get_by_role("link", name="See how it goes").click()
    expect(page.get_by_text("Step 1 of 3")).to_be_visible()
    screen.button("Pause").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("paused")
    screen.audit("walk-2-rollout")
    for _ in range(2):
        screen.button("Advance").click()
        screen.submit("Advance")
    screen.button("Switch now").click()
    screen.submit("Switch now")
    expect(page.get_by_role("heading", level=1)).to_contain_text("switched")
    screen.audit("walk-2-switched")


def one_button_brings_the_old_one_back(screen: Screen) -> None:
    screen.as_phone()
    screen.page.get_by_role("link", name="rides", exact=True).first.click()
    answers = screen.page.get_by_role("listitem").filter(has_text="100 %")
    expect(answers).to_contain_text("rides v3")
    screen.button("Roll back").click()
    expect(screen.dialog).to_contain_text("v1 is still warm and answers everything at once; v3 stops answering.")
    screen.audit("walk-2-roll-back")
    screen.submit("Roll back now")
    expect(screen.page.get_by_text("Rolled back", exact=True)).to_be_visible()
    expect(answers).to_contain_text("rides v1")
    screen.audit("walk-2-rolled-back")

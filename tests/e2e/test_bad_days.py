"""Walk 3: the operator and the bad days, against the real server in a real browser."""

import csv
from math import nan
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Route, expect

from domain.experiments.models import Run
from tests.api.world import SPEC, package_of
from tests.conftest import Drain, SteppingClock
from tests.e2e.conftest import Screen, Site
from tests.finished_runs import OUTCOME, finished_run, make_data
from tests.flows.plane import working, world
from tests.training_data import make_dataset

pytestmark = pytest.mark.browser
SCRIPT = "<img src=x onerror='window.hacked=1'>"
TURNED = "\u202eright to left\u202c שלום " + "w" * 200


class TestToken:
    def test_that_expires_leads_to_the_login_and_a_new_one_back(
        self, screen: Screen, site: Site, clock: SteppingClock
    ) -> None:
        until = clock().timestamp() + 3600
        with site.client as client:
            asked = {"name": "guest", "role": "developer", "expires_at": until}
            token = client.post("/tokens", json=asked).raise_for_status().json()["token"]
        screen.sign_in(token)
        screen.go_to("Datasets")
        clock.advance(7200)
        screen.page.reload()
        expect(screen.page.get_by_label("Token")).to_be_visible()
        screen.audit("walk-3-expired")
        screen.page.get_by_label("Token").fill(token)
        screen.button("Sign in").click()
        expect(screen.page.get_by_role("alert")).to_contain_text("This token is not valid")
        screen.page.get_by_label("Token").fill(site.token)
        screen.button("Sign in").click()
        expect(screen.page.get_by_role("heading", level=1, name="Datasets")).to_be_visible()

    def test_of_a_small_role_keeps_the_buttons_and_says_why_not(self, screen: Screen, site: Site) -> None:
        with site.client as client:
            client.post("/datasets", json={"name": "bikes"}).raise_for_status()
            client.post("/models", json={"name": "m", "task": "regression", "target": "y"}).raise_for_status()
            client.put("/endpoints/e", json={"model": "m"}).raise_for_status()
            made = client.post("/tokens", json={"name": "vera", "role": "viewer"}).raise_for_status().json()
        screen.sign_in(made["token"])
        for place, name in (("Datasets", "Upload"), ("Models", "Declare a model"), ("Endpoints", "New endpoint")):
            screen.go_to(place)
            expect(screen.button(name)).to_be_disabled()
            expect(screen.button(name)).to_have_accessible_description(
                "Needs a token with the scope write; yours is viewer"
            )
        screen.page.get_by_role("link", name="e", exact=True).click()
        expect(screen.button("Start a rollout")).to_be_disabled()
        for look in (screen.as_desk, screen.as_phone):
            look()
            screen.audit(f"walk-3-viewer-{look.__name__}")


class TestServerAway:
    def test_in_the_middle_of_a_form_loses_nothing(self, screen: Screen, site: Site) -> None:
        screen.sign_in(site.token)
        screen.go_to("Datasets")
        screen.button("Create a dataset").click()
        screen.dialog.get_by_label("Name").fill("bikes")
        screen.dialog.get_by_label("Description").fill("Every rental of 2011.")
        site.stop()
        screen.dialog.get_by_role("button", name="Create", exact=True).click()
        expect(screen.dialog.get_by_role("alert")).to_contain_text("Not done: The server is not answering.")
        expect(screen.dialog.get_by_label("Description")).to_have_value("Every rental of 2011.")
        screen.audit("walk-3-away")
        site.start()
        screen.submit("Create")
        expect(screen.page.get_by_role("heading", level=1, name="bikes")).to_be_visible()
        expect(screen.page.get_by_text("Every rental of 2011.")).to_be_visible()
        expect(screen.page.get_by_text("The server is not answering.")).to_have_count(0)


class TestTwoPeople:
    def test_who_edit_one_text_choose_between_both(self, screen: Screen, site: Site) -> None:
        def theirs(version: int, least: int) -> None:
            with site.client as client:
                suite = {"checks": [{"check": "row_count", "min": least}]}
                match = {"If-Match": f'"{version}"'}
                client.put("/datasets/bikes/check-suite", json=suite, headers=match).raise_for_status()

        with site.client as client:
            client.post("/datasets", json={"name": "bikes"}).raise_for_status()
        screen.sign_in(site.token)
        screen.page.goto(f"{screen.url}datasets/bikes?tab=suite")
        text = screen.page.get_by_label("The check suite (YAML)")
        mine = "checks:\n  - {check: row_count, min: 30}\n"
        text.fill(mine)

        def overtake(route: Route) -> None:
            """Just before the request, so that the news of it does not come before the refusal."""
            theirs(0, 10)
            route.continue_()

        screen.page.context.route("**/check-suite", overtake, times=1)
        screen.button("Save").click()
        expect(screen.page.get_by_text("changed by somebody else while you were editing it")).to_be_visible()
        expect(screen.page.get_by_text("min: 10")).to_be_visible()
        expect(text).to_have_value(mine)
        screen.audit("walk-3-two-people")
        screen.button("Go on with mine").click()
        screen.button("Save").click()
        expect(screen.page.get_by_text("Saved", exact=True)).to_be_visible()
        text.fill(mine.replace("30", "40"))
        theirs(2, 20)
        screen.button("Take theirs").click()
        expect(text).to_have_value("checks:\n  - {check: row_count, min: 20}\n")


class TestOddValues:
    def test_that_are_hostile_are_shown_as_text_and_fit(
        self, screen: Screen, site: Site, drain: Drain, tmp_path: Path
    ) -> None:
        file = tmp_path / "odd.csv"
        pl.DataFrame({SCRIPT: [SCRIPT, TURNED], TURNED[:100]: ["1", "=1+1"], "n": [1, 2]}).write_csv(file)
        with site.client as client:
            odd = {"name": "n" * 100, "description": SCRIPT + TURNED}
            client.post("/datasets", json=odd).raise_for_status()
            suite = {"checks": [{"check": "in_set", "column": SCRIPT, "values": ["a"], "name": SCRIPT}]}
            place = f"/datasets/{odd['name']}"
            client.put(f"{place}/check-suite", json=suite, headers={"If-Match": '"0"'}).raise_for_status()
            files = {"files": ("odd.csv", file.read_bytes())}
            client.post(f"{place}/versions", files=files, data={"message": SCRIPT + TURNED}).raise_for_status()
        drain()
        screen.sign_in(site.token)
        expect(screen.page.get_by_text("Live", exact=True)).to_be_visible()
        for number, (page, says) in enumerate(
            [
                ("datasets", odd["name"]),
                (f"datasets/{odd['name']}", SCRIPT),
                (f"datasets/{odd['name']}/versions/1?tab=checks", SCRIPT),
                (f"datasets/{odd['name']}/versions/1?tab=profile", SCRIPT),
                ("events", odd["name"]),
            ]
        ):
            screen.as_phone()
            screen.page.goto(screen.url + page)
            expect(screen.page.get_by_text(says).first).to_be_visible()
            screen.audit(f"walk-3-hostile-{number}-phone")
            screen.as_desk()
            screen.audit(f"walk-3-hostile-{number}")
        assert screen.page.evaluate("window.hacked") is None

    def test_that_are_no_numbers_are_said_so(self, screen: Screen, site: Site) -> None:
        with site.runtime.transaction() as session:
            outcome = OUTCOME.model_copy(update={"metrics": {"test_mae": nan, "test_r2": 0.5}})
            run_id = finished_run(session, make_data(session), outcome=outcome)
            run = session.get_one(Run, run_id)
            run.spec, run.package = SPEC, package_of(run_id).as_json()
        screen.sign_in(site.token)
        expect(screen.page.get_by_text("Live", exact=True)).to_be_visible()
        for page in ("runs", f"runs/{run_id}"):
            screen.page.goto(screen.url + page)
            expect(screen.page.get_by_role("cell", name="NaN").first).to_be_visible()
        screen.audit("walk-3-nan")


class TestOperator:
    def test_finds_what_happened_and_takes_it_along(self, screen: Screen, site: Site) -> None:
        with site.client as client:
            for name in ("bikes", "rides"):
                client.post("/datasets", json={"name": name}).raise_for_status()
        screen.sign_in(site.token)
        screen.go_to("Events")
        screen.page.get_by_label("About").fill("datasets/rides")
        table = screen.page.get_by_role("table", name="Events")
        expect(table.get_by_role("link", name="rides")).to_be_visible()
        expect(table.get_by_role("link", name="bikes")).to_have_count(0)
        screen.audit("walk-3-events")
        with screen.page.expect_download() as download:
            screen.page.get_by_role("link", name="csv", exact=True).click()
        with download.value.path().open(newline="") as file:
            assert [(one["type"], one["subject"]) for one in csv.DictReader(file)] == [
                ("DatasetCreated", "datasets/rides")
            ]

    def test_follows_a_job_and_stops_it(self, screen: Screen, site: Site, drain: Drain) -> None:
        with site.client as client:
            make_dataset(client, drain, "rides", world(6000, seed=1))
            client.post("/experiments", json={"name": "study"}).raise_for_status()
        screen.sign_in(site.token)
        with working(drain):
            screen.page.goto(f"{screen.url}experiments/study")
            screen.button("Train").click()
            screen.submit(
                "Train",
                {"Dataset": "rides", "Version": "1", "Target": "rides", "Parameters": "n_estimators: 3000"},
            )
            screen.page.get_by_role("tab", name="Log and cost").click()
            expect(screen.page.get_by_text("train_loss").first).to_be_visible()
            screen.go_to("Jobs")
            screen.page.get_by_role("link", name="Train model").first.click()
            expect(screen.page.get_by_text("train_loss").first).to_be_visible()
            screen.button("Cancel").click()
            screen.submit("Cancel it")
            expect(screen.page.get_by_role("heading", level=1)).to_contain_text("cancelled")
            expect(screen.button("Try again")).to_be_enabled()
            screen.audit("walk-3-cancelled")

"""Walk 1, all of it by hand in a browser: an empty system, data, checks, a model, its gates, an endpoint, an answer."""

import re
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Screen, Site

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("worker")]
BIKES = Path(__file__).parents[2] / "examples" / "bikes" / "hour.csv"
FEATURES = "season, hr, workingday, weathersit, temp, hum, windspeed"


@pytest.fixture
def winter(tmp_path: Path) -> Path:
    """The first two months of rentals."""
    path = tmp_path / "winter.csv"
    pl.read_csv(BIKES).filter(pl.col("dteday") < "2011-03-01").write_csv(path)
    return path


def test_from_an_empty_system_to_an_answer_and_back_to_its_rows(screen: Screen, site: Site, winter: Path) -> None:
    screen.sign_in(site.token)
    data_is_uploaded(screen, winter)
    checks_are_suggested_and_pass(screen)
    a_model_is_trained(screen)
    its_gates_let_it_pass(screen)
    it_answers(screen)
    the_answer_leads_back_to_its_rows(screen)


def data_is_uploaded(screen: Screen, file: Path) -> None:
    expect(screen.page.get_by_role("heading", name="three steps to your first data")).to_be_visible()
    screen.button("Upload").click()
    screen.dialog.get_by_label("Dataset").fill("bikes")
    screen.dialog.locator("input[type=file]").first.set_input_files(file)
    screen.audit("walk-1-upload")
    screen.submit("Upload", {"Message": "January and February 2011"})
    versions = screen.page.get_by_role("list", name="Versions, the newest first")
    expect(versions).to_contain_text("January and February 2011")
    expect(versions).to_contain_text("validated")
    expect(versions).to_contain_text("1,337 rows")


def checks_are_suggested_and_pass(screen: Screen) -> None:
    page = screen.page
    page.get_by_role("tab", name="Check suite").click()
    screen.button("Suggest checks").click()
    screen.dialog.get_by_label("Column that is to be predicted").fill("cnt")
    screen.dialog.get_by_role("button", name="Suggest", exact=True).click()
    screen.dialog.get_by_role("button", name="to the text").click()
    expect(page.get_by_label("The check suite (YAML)")).to_have_value(re.compile("target_range"))
    screen.button("Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("link", name="Version 1", exact=True).click()
    screen.button("Run checks").click()
    page.get_by_role("tab", name="Checks").click()
    expect(page.get_by_text(re.compile(r"0 failed, 0 warned, \d\d passed"))).to_be_visible()
    screen.audit("walk-1-checks")


def a_model_is_trained(screen: Screen) -> None:
    screen.go_to("Models")
    screen.button("Declare a model").click()
    screen.submit("Declare", {"Name": "bikes", "Task": "regression", "Target": "cnt"})
    screen.go_to("Experiments")
    screen.button("New experiment").click()
    screen.submit("Create", {"Name": "demand"})
    screen.button("Train").click()
    screen.submit(
        "Train",
        {
            "Dataset": "bikes",
            "Version": "1",
            "Target": "cnt",
            "Features": FEATURES,
            "Parameters": "n_estimators: 30",
            "Model": "bikes",
        },
    )
    expect(screen.page.get_by_role("heading", level=1)).to_contain_text("finished")
    expect(screen.page.get_by_text("Became bikes v1")).to_be_visible()
    # No MLflow runs here, which its curves say: the rest of the page does not call itself offline.
    expect(screen.page.get_by_text("MLflow does not answer.")).to_have_count(1)
    expect(screen.page.get_by_text("Live", exact=True)).to_be_visible()
    screen.audit("walk-1-run")


def its_gates_let_it_pass(screen: Screen) -> None:
    page = screen.page
    page.get_by_role("link", name="bikes v1").first.click()
    page.get_by_role("navigation", name="Path").get_by_role("link", name="bikes").click()
    page.get_by_role("tab", name="Policy").click()
    policy = page.get_by_label("The policy (YAML)")
    policy.fill("gates:\n  - {gate: metric, metric: mae}\n")
    screen.button("Save").click()
    expect(page.get_by_text("give min, max or both")).to_be_visible()
    policy.fill("gates:\n  - {gate: metric, metric: mae, max: 60}\n")
    screen.button("Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("link", name="v1", exact=True).first.click()
    screen.button("Request promotion").click()
    page.get_by_role("link", name="Follow the decision").click()
    expect(page.get_by_text("All 1 gate let it pass")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("applied")
    screen.audit("walk-1-gates")


def it_answers(screen: Screen) -> None:
    screen.go_to("Endpoints")
    screen.button("New endpoint").click()
    screen.submit("Create", {"Name": "demand", "Who may ask": "private"})
    expect(screen.page.get_by_role("heading", level=1)).to_contain_text("live")
    screen.page.get_by_role("tab", name="Try it").click()
    screen.page.get_by_label("hr (integer)").fill("noon")
    expect(screen.page.get_by_text("Not a number.")).to_be_visible()
    screen.page.get_by_label("hr (integer)").fill("12")
    screen.button("Predict").click()
    expect(screen.page.get_by_text("there and back")).to_be_visible()
    screen.audit("walk-1-answer")


def the_answer_leads_back_to_its_rows(screen: Screen) -> None:
    page = screen.page
    page.get_by_role("link", name="open", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("by bikes v1", timeout=15_000)
    expect(page.get_by_text("applied: mae is")).to_be_visible()
    screen.audit("walk-1-prediction")
    page.get_by_role("link", name="The whole lineage as a graph").click()
    expect(page.get_by_role("group", name="Lineage of predictions")).to_contain_text("demand")
    screen.audit("walk-1-lineage")
    page.go_back()
    page.get_by_role("listitem").filter(has_text="Dataset version").get_by_role("link").click()
    expect(page.get_by_text("January and February 2011")).to_be_visible()

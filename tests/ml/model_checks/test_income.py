"""The income example: what its documents ask for, and what its README says that they find."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from domain.data_checks.specs import CheckSuite
from domain.model_checks.specs import ModelCheckResult
from domain.model_checks.verdict import judge
from domain.promotions.specs import Policy
from ml.checks.suite import run_suite
from ml.model_checks.table import run_checks
from ml.models import load_onnx
from ml.packaging import package
from ml.trainers.train import TrainedModel
from tests.ml.model_checks.conftest import INCOME


@pytest.fixture(scope="module")
def results(income: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelCheckResult]:
    """What each check of the policy comes to on the packaged model."""
    directory: Path = tmp_path_factory.mktemp("package")
    packed = package(income, directory, run_id="run", save_python=lambda trained, folder: None)
    assert packed.flavor == "onnx"
    checks = Policy.model_validate(yaml.safe_load((INCOME / "policy.yaml").read_text())).checks()
    found = run_checks(
        checks, model=load_onnx(directory), frame=income.part("test"), metrics=income.metrics, seed=income.spec.seed
    )
    names = [getattr(check, "definition", None) or check.name or check.gate for check in checks]
    return dict(zip(names, found, strict=True))


def test_the_table_passes_its_suite(people: pl.DataFrame) -> None:
    suite = CheckSuite.model_validate(yaml.safe_load((INCOME / "suite.yaml").read_text()))
    assert {result.verdict for result in run_suite(people.lazy(), suite, lambda _: None)} == {"pass"}


def test_only_what_the_readme_says_fails_and_that_warns(results: dict[str, ModelCheckResult]) -> None:
    failed = {name for name, result in results.items() if result.verdict != "pass"}
    assert failed == {"weak_slices", "equal_opportunity", "demographic_parity"}
    assert {results[name].severity for name in failed} == {"warn"}
    assert judge(list(results.values())) == "pass"


def test_women_who_earn_more_are_found_less_often_though_sex_is_no_input(results: dict[str, ModelCheckResult]) -> None:
    result = results["equal_opportunity"]
    [rates] = result.details["rates"].values()
    assert {one["group"]: round(one["value"], 3) for one in rates} == {"Male": 0.616, "Female": 0.517}
    assert result.low is not None
    assert result.low > 0


def test_the_weakest_slice_is_husbands(results: dict[str, ModelCheckResult]) -> None:
    worst = results["weak_slices"].slices[0]
    assert (worst.column, worst.value) == ("relationship", "Husband")


def test_every_result_tells_how_many_rows_it_looked_at(results: dict[str, ModelCheckResult]) -> None:
    rows = {name: result.rows for name, result in results.items()}
    assert rows.pop("overfit") is None
    assert rows.pop("calibrated for women") == 1606
    assert set(rows.values()) == {4884}


def test_the_page_about_checks_shows_a_policy_that_is_one() -> None:
    page = (INCOME.parents[1] / "docs" / "how-to" / "check-a-model.md").read_text(encoding="utf-8")
    policy = Policy.model_validate(yaml.safe_load(page.partition("```yaml")[2].partition("```")[0]))
    assert len(policy.checks()) == 10

"""Thirty checks of a packaged model on 10,000 real rows, against predicting those rows once per check.

The rows are those of the income example, the model is its gradient boosting as ONNX. `python -m bench.model_checks`
prints one line.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import yaml

from bench.checks import best
from bench.table import BenchRow
from domain.model_checks.specs import ModelSuite
from domain.training.specs import TrainSpec
from ml.frames import scan
from ml.inputs import frame_columns
from ml.model_checks.table import run_checks
from ml.models import Model, load_onnx
from ml.packaging import package
from ml.trainers.train import train

ROWS = 10_000
EXAMPLE = Path(__file__).parent.parent / "examples" / "income"
WOMEN, MEN = "sex = 'Female'", "sex = 'Male'"


def run() -> list[BenchRow]:
    with TemporaryDirectory(prefix="millrace-bench-") as folder:
        table = scan(EXAMPLE / "adult.csv", "csv").collect()
        spec = TrainSpec.model_validate(yaml.safe_load((EXAMPLE / "train.yaml").read_text()))
        trained = train(table, spec, lambda step, losses: None, lambda share, message: None)
        packed = package(trained, Path(folder), run_id="bench", save_python=lambda model, directory: None)
        assert packed.flavor == "onnx", packed.reason
        model, rows = load_onnx(Path(folder)), table.head(ROWS)
        suite = ModelSuite.model_validate({"checks": _checks()})
        ours = best(lambda: _judged(suite, model, rows, trained.metrics))
        floor = best(lambda: _predicted(len(suite.checks), model, rows))
    note = f"predicting the rows once per check; {len(suite.checks)} checks, {ROWS:,} rows"
    return [BenchRow("model checks", ours, floor, "s", ours / floor, note)]


def _judged(suite: ModelSuite, model: Model, rows: pl.DataFrame, metrics: dict[str, float]) -> None:
    results = run_checks(suite.checks, model=model, frame=rows, metrics=metrics, seed=0)
    assert len(results) == len(suite.checks)
    assert all(result.verdict != "inconclusive" for result in results)


def _predicted(times: int, model: Model, rows: pl.DataFrame) -> None:
    for _ in range(times):
        model.predict_columns(frame_columns(rows, model.signature.inputs))


def _checks() -> list[dict[str, Any]]:
    """Thirty, of every kind that looks at rows."""
    favourable = {"favourable": ">50K.", "max_gap": 0.2}
    definitions = ("demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity")
    row = {"age": 40, "workclass": "Private", "education-num": 13, "marital-status": "Married-civ-spouse"}
    row |= {"occupation": "Exec-managerial", "relationship": "Husband", "capital-gain": 99999, "capital-loss": 0}
    row |= {"hours-per-week": 50, "native-country": "United-States"}
    return [
        *({"check": "metric", "metric": name, "min": 0} for name in ("accuracy", "auc", "f1", "log_loss")),
        *({"check": "metric", "metric": "auc", "min": 0, "where": where} for where in (WOMEN, MEN)),
        {"check": "overfit"},
        {"check": "target_distribution"},
        *(
            {"check": "slices", "by": ["sex", "race", "age"], "metric": name}
            for name in ("accuracy", "auc", "log_loss")
        ),
        {"check": "slices", "named": {"young": "age < 25", "women": WOMEN}, "metric": "f1"},
        *({"check": "weak_slices", "metric": name} for name in ("accuracy", "log_loss")),
        {"check": "weak_slices", "metric": "log_loss", "columns": ["sex", "race", "age", "occupation"]},
        *({"check": "calibration", "where": where} for where in (None, WOMEN, MEN)),
        {"check": "leakage"},
        {"check": "unused_features"},
        *({"check": "fairness", "by": "sex", "definition": name, **favourable} for name in definitions),
        {"check": "fairness", "by": "age", "definition": "metric_parity", "metric": "accuracy"},
        *({"check": "tolerance", "noise": noise, "max_shift": 0.5} for noise in (0.05, 0.1, 0.2)),
        {"check": "minimum_functionality", "rows": [{"instance": row, "expect": ">50K."}]},
        {"check": "metric", "metric": "accuracy", "min": 0, "where": "age >= 50"},
    ]


if __name__ == "__main__":
    for row in run():
        print(row)

"""The names of metrics that the API knows are those that `ml` computes."""

from typing import Any

import pytest

from domain.registry.metrics import METRICS, UnfitMetric, refuse_unfit
from domain.registry.specs import Task
from ml import metrics as computed


def test_names_are_those_that_are_computed() -> None:
    expected = {
        task: [metric.name for metric in computed.METRICS.values() if task in metric.tasks] for task in computed.LOSS
    }
    assert {task: list(names) for task, names in METRICS.items()} == expected


def policy(*gates: dict[str, Any]) -> dict[str, Any]:
    return {"gates": list(gates), "approval": "automatic"}


@pytest.mark.parametrize(
    ("task", "metric", "fix"),
    [
        ("regression", "auc", "There are mae, rmse, r2."),
        ("regression", "rmsee", "Did you mean 'rmse'? There are mae, rmse, r2."),
        ("classification", "mae", "There are accuracy, log_loss, f1, auc."),
    ],
)
def test_refuses_a_metric_of_another_task_naming_those_that_fit(task: Task, metric: str, fix: str) -> None:
    with pytest.raises(UnfitMetric) as refused:
        refuse_unfit(policy({"gate": "overfit"}, {"gate": "champion", "metric": metric}), task)
    assert (refused.value.where, refused.value.fix) == ("gates.1.metric", fix)


@pytest.mark.parametrize(("task", "metric"), [(task, metric) for task, names in METRICS.items() for metric in names])
def test_takes_a_metric_of_the_task(task: Task, metric: str) -> None:
    refuse_unfit(policy({"gate": "metric", "metric": metric}), task)

"""The metrics by name and task, as plain data, so that the API can refuse a policy. `ml.metrics` computes them."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from domain.errors import Invalid
from domain.registry.specs import Task

_CLASSES: Final = ("accuracy", "log_loss", "f1", "auc")
METRICS: Final[Mapping[Task, tuple[str, ...]]] = {
    "regression": ("mae", "rmse", "r2"),
    "classification": _CLASSES,
    "text_classification": _CLASSES,
}
DEFAULT_METRIC: Final[Mapping[Task, str]] = {
    "regression": "mae",
    "classification": "accuracy",
    "text_classification": "accuracy",
}


class UnfitMetric(Invalid):
    """A policy or a suite asks for a metric that a model of this task does not have."""

    code = "unfit_metric"


def refuse_unfit(policy: Mapping[str, Any], task: Task) -> None:
    """Raise `UnfitMetric` naming the first gate of `policy` whose metric does not fit `task`, and those that do."""
    refuse_unfit_metrics(policy["gates"], task, within="gates")


def refuse_unfit_metrics(asking: Sequence[Mapping[str, Any]], task: Task, *, within: str) -> None:
    """The same for a list of gates or checks that stands in the field `within`."""
    fitting = METRICS[task]
    for place, gate in enumerate(asking):
        metric = gate.get("metric")
        if metric is not None and metric not in fitting:
            near = get_close_matches(metric, fitting, n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            what = f"The metric {metric!r} does not fit a model of the task {task}."
            raise UnfitMetric(what, where=f"{within}.{place}.metric", fix=f"{hint}There are {', '.join(fitting)}.")

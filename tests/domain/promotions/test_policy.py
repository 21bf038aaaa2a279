"""The champion gate as a person writes it: accepted as documented, and refused where it contradicts itself."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.promotions.specs import Policy

DOCUMENTED: dict[str, Any] = {
    "gate": "champion", "metric": "mae", "alpha": 0.05, "min_effect": 0.01, "slices": ["season"], "slice_margin": 0.05,
}  # fmt: skip


def policy(**changes: Any) -> Policy:
    return Policy.model_validate({"gates": [{"gate": "champion", "metric": "mae"} | changes]})


@pytest.mark.parametrize(
    "gate",
    [
        DOCUMENTED,
        {"require": "non_inferiority", "margin": 0.02},
        {"test": "diebold_mariano", "order_by": "at"},
        {"slices": ["sex", {"name": "young", "where": "age < 30"}], "slice_margin": 0.1, "slice_min_rows": 50},
        {"budget": {"rule": "investing"}, "power": 0.9, "on": "frozen@1"},
        {"budget": {"rule": "bonferroni", "window": 5}},
    ],
)
def test_is_accepted_and_means_the_same_after_the_database(gate: dict[str, Any]) -> None:
    made = policy(**gate)
    assert Policy.model_validate(made.as_json()) == made


@pytest.mark.parametrize(
    ("gate", "place", "told"),
    [
        ({"require": "non_inferiority"}, "margin", "needs a margin"),
        ({"margin": 0.1}, "margin", "leave one out"),
        ({"require": "non_inferiority", "margin": 0.1, "min_effect": 0.01}, "min_effect", "leave one out"),
        ({"slices": ["season"]}, "slice_margin", "slices need a slice_margin"),
        ({"slice_margin": 0.1}, "slice_margin", "without slices judges nothing"),
        ({"slices": ["season", "season"], "slice_margin": 0.1}, "slices", "there twice"),
        ({"test": "diebold_mariano"}, "order_by", "needs order_by"),
        ({"test": "mcnemar", "metric": "accuracy", "order_by": "at"}, "order_by", "leave one out"),
        ({"test": "delong"}, "test", "delong tests auc, not mae"),
        ({"budget": {"rule": "investing", "window": 3}}, "window", "has no window"),
        ({"alpha": 0.7}, "alpha", "less than 0.5"),
    ],
)
def test_contradictions_are_refused_at_their_place(gate: dict[str, Any], place: str, told: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        policy(**gate)
    error = refusal.value.errors()[0]
    assert (error["loc"][-1], told in error["msg"]) == (place, True)

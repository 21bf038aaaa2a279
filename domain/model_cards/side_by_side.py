"""Cards beside each other: pure."""

from collections.abc import Sequence
from typing import Any

from domain.model_cards.specs import ModelCard, SideBySide, SideMetric, SideRow


def side_by_side(cards: Sequence[ModelCard]) -> SideBySide:
    """What the versions have in common and what not, each list in the order of `cards`."""
    same_question = len({(card.task, card.target) for card in cards}) == 1
    same_rows = len({card.frozen_rows for card in cards}) == 1
    warning = None
    if not same_question:
        warning = "These versions do not predict the same: their metrics say nothing about each other."
    elif not same_rows:
        warning = (
            "Each version was measured on frozen rows of its own: a difference may be one of the rows. "
            "Order a comparison to score them on the same rows."
        )
    return SideBySide(
        versions=[f"{card.model}@{card.number}" for card in cards],
        same_question=same_question,
        same_rows=same_rows,
        warning=warning,
        metrics=_metrics(cards),
        params=_differing([{**card.training.params, **_settings(card)} for card in cards]),
        same_data=len({card.data.digest for card in cards}) == 1,
        data=[card.data for card in cards],
        slices=_rows([_slices(card) for card in cards]),
        checks=_rows([_verdicts(card) for card in cards]),
        verdicts=[card.checks_verdict for card in cards],
        promotions=[card.promotions[0].state if card.promotions else None for card in cards],
        flavors=[card.flavor for card in cards],
        sizes=[card.size for card in cards],
        latencies=[card.latency.result.value if card.latency else None for card in cards],
    )


def _metrics(cards: Sequence[ModelCard]) -> list[SideMetric]:
    named = [{metric.name: metric for metric in card.metrics} for card in cards]
    names = sorted({name for one in named for name in one})
    return [SideMetric(name=name, values=[one.get(name) for one in named]) for name in names]


def _settings(card: ModelCard) -> dict[str, Any]:
    training = card.training
    return {
        "(trainer)": training.trainer,
        "(features)": training.features,
        "(split)": training.split,
        "(seed)": training.seed,
        "(code)": training.code_commit,
        "(environment)": training.environment_digest,
    }


def _slices(card: ModelCard) -> dict[str, Any]:
    return {
        f"{one.check}: {one.slice.column} = {one.slice.value}": {
            "metric": one.slice.metric,
            "rows": one.slice.rows,
            "low": one.slice.low,
            "high": one.slice.high,
            "judged": one.slice.judged,
        }
        for one in card.slices
    }


def _verdicts(card: ModelCard) -> dict[str, Any]:
    return {
        " / ".join([*([one.suite] if one.suite else []), one.result.name or one.result.gate]): {
            "verdict": one.result.verdict,
            "value": one.result.value,
            "low": one.result.low,
            "high": one.result.high,
        }
        for one in card.checks
    }


def _rows(each: Sequence[dict[str, Any]]) -> list[SideRow]:
    names = dict.fromkeys(name for one in each for name in one)
    return [SideRow(name=name, values=[one.get(name) for one in each]) for name in names]


def _differing(each: Sequence[dict[str, Any]]) -> list[SideRow]:
    return [row for row in _rows(each) if any(value != row.values[0] for value in row.values)]

"""A model card as Markdown. What nobody wrote or measured is said as such; nothing is added."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from domain.model_cards.specs import CardCheck, CardPromotion, ModelCard

_ESCAPED = str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;", "`": "\\`", "*": "\\*", "_": "\\_", "[": "\\["})


def as_markdown(card: ModelCard) -> str:
    """The whole card; sections are always there and in the same order, so that two cards can be compared by eye."""
    return "\n".join(_lines(card)) + "\n"


def _lines(card: ModelCard) -> Iterator[str]:
    yield f"# {_text(card.model)}, version {card.number}"
    yield ""
    aliases = f", {', '.join(card.aliases)}" if card.aliases else ""
    yield f"{card.state}{aliases}; registered {card.created_at:%Y-%m-%d %H:%M} UTC by {_text(card.created_by)}."
    yield from _said(card.description, "")
    yield from _said(card.version_description, "")
    if card.tags:
        yield from ("", ", ".join(f"{_text(key)}: {_text(value)}" for key, value in sorted(card.tags.items())))
    yield from _section("Intended use")
    yield from _said(card.intended_use, "Nobody has written what this model is for.")
    yield from _section("Limits")
    yield from _said(card.limits, "Nobody has written what this model is not for.")
    yield from ("", "Found by checks:", "")
    yield from (f"- {_text(one)}" for one in card.found_limits or ["Nothing."])
    yield from _section("What it predicts")
    classes = f" One of {', '.join(_text(one) for one in card.classes)}." if card.classes else ""
    yield f"{_text(card.target)} ({card.task}).{classes}"
    inputs = [(one.name, one.type, "yes" if one.nullable else "no", one.example) for one in card.inputs]
    yield from _table(("input", "type", "may be missing", "example"), inputs)
    yield from _section("Data")
    data = card.data
    verdict = f"its checks: {data.verdict}" if data.verdict else "never checked"
    rows = f"{data.rows:,} rows" if data.rows is not None else "rows not counted"
    yield f"{_text(data.dataset)}: {rows}, digest {data.digest}, {data.state}, {verdict}."
    yield from _training(card)
    yield from _section("Metrics on frozen rows")
    yield f"Rows {card.frozen_rows}, which training did not see."
    metrics = [(one.name, one.value, _interval(one.low, one.high)) for one in card.metrics]
    yield from _table(("metric", "value", "interval"), metrics)
    slices = [
        (one.check, f"{one.slice.column} = {one.slice.value}", one.slice.rows, one.slice.metric,
         _interval(one.slice.low, one.slice.high), "" if one.slice.judged else "too small to be judged")
        for one in card.slices
    ]  # fmt: skip
    yield from _section("Slices")
    yield from _table(("check", "slice", "rows", "metric", "interval", ""), slices, empty="No slice was looked at.")
    for title, checks in (
        ("Weak slices", card.weak_slices),
        ("Fairness", card.fairness),
        ("Behaviour", card.behaviour),
        ("Calibration", card.calibration),
        ("All checks", card.checks),
    ):
        yield from _section(title)
        yield from _checks(checks)
    yield from _section("Promotions")
    yield from (line for one in card.promotions for line in _promotion(one))
    if not card.promotions:
        yield "Nobody has asked to make it champion."
    yield from _section("Serving")
    yield f"{card.flavor}: {_text(card.flavor_reason)}"
    yield f"Package: {card.size:,} bytes."
    for what, found in (("Latency", card.latency), ("Memory", card.memory)):
        yield f"{what}: {_text(found.result.message)}" if found else f"{what}: not measured."


def _training(card: ModelCard) -> Iterator[str]:
    training = card.training
    yield from _section("Training")
    by = f"run {training.run_id} by {_text(training.created_by)}"
    yield f"Trainer {_text(training.trainer)}, seed {training.seed}, {by}."
    yield f"Code: {_text(training.code_commit or 'no commit was named')}."
    yield f"Environment {training.environment_digest[:12]}: {_text(_pairs(training.environment))}."
    yield from _table(
        ("parameter", "value"), list(training.params.items()), empty="Parameters as the trainer has them."
    )
    yield from (f"- {_text(note)}" for note in training.notes)


def _checks(checks: Sequence[CardCheck]) -> Iterator[str]:
    rows = [
        (one.suite or "policy", one.result.name or one.result.gate, one.result.verdict, one.result.value,
         _interval(one.result.low, one.result.high), one.result.message)
        for one in checks
    ]  # fmt: skip
    yield from _table(("of", "check", "verdict", "value", "interval", "finding"), rows, empty="Not checked.")


def _promotion(one: CardPromotion) -> Iterator[str]:
    yield f"- {one.state}, asked by {_text(one.requested_by)} on {one.requested_at:%Y-%m-%d}: {_text(one.reason)}"
    for gate in one.gates:
        yield f"  - {_text(gate['gate'])}: {gate['verdict']}. {_text(gate['message'])}"
    if one.comparison:
        left_out = one.comparison["rows_excluded"]
        yield f"  - on {_text(one.frozen_rows)}; {left_out} rows of training were left out."
    if one.approver:
        yield f"  - decided by {_text(one.approver)}."


def _section(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _said(text: str, otherwise: str) -> Iterator[str]:
    """What a person wrote, as a quotation: it is theirs, and cannot pass for a heading or a fact of the card."""
    if text.strip():
        yield ""
        yield from (f"> {line}" for line in text.strip().splitlines())
    elif otherwise:
        yield otherwise


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str = "None.") -> Iterator[str]:
    yield ""
    if not rows:
        yield empty
        return
    yield _row(head)
    yield _row("---" for _ in head)
    yield from (_row(map(_text, row)) for row in rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _text(value: Any) -> str:
    """A value in one line, with nothing in it that Markdown would read."""
    if value is None:
        return ""
    written = f"{value:.4g}" if isinstance(value, float) else str(value)
    return " ".join(written.translate(_ESCAPED).split())

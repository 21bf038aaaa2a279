"""Invariance, direction and tolerance: held or broken, with the worst rows; vacuous when nothing was changed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from domain.model_checks.specs import ToleranceCheck
from ml.models import Predictions
from tests.ml.model_checks.subjects import LINE, Steep, ask, check, patients, reviews, tumours

SWAP = {"kind": "replace", "words": {"amazing": "horrible", "great": "awful"}}
FALL = {"check": "directional", "change": SWAP, "output": 1, "direction": "decrease"}


class Lost(Steep):
    """Its answer to anything that was moved is no number."""

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        known = set(LINE["x"].to_list())
        return Predictions([float(x) if x in known else float("nan") for x in columns["x"].tolist()])


class Terse(Steep):
    """Tells labels without probabilities: yes above zero."""

    def __init__(self) -> None:
        super().__init__(1)
        self.signature = self.signature.model_copy(update={"task": "classification", "classes": ["no", "yes"]})

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return Predictions(["yes" if x > 0 else "no" for x in columns["x"].tolist()])


class TestTolerance:
    def test_passes_a_smooth_model(self) -> None:
        assert check(ToleranceCheck(), Steep(1), LINE).verdict == "pass"

    def test_fails_a_wild_model_with_examples(self) -> None:
        result = check(ToleranceCheck(), Steep(500), LINE)
        assert result.verdict == "fail"
        assert result.examples
        assert set(result.examples[0]) == {"row", "before", "after", "answer_before", "answer_after"}

    def test_counts_labels_that_change(self) -> None:
        model, frame = tumours()
        calm = check(ToleranceCheck(noise=0.001), model, frame)
        shaken = check(ToleranceCheck(noise=3.0), model, frame)
        assert (calm.verdict, shaken.verdict) == ("pass", "fail")

    def test_moves_whole_numbers_by_whole_steps(self) -> None:
        whole = pl.DataFrame({"x": range(200), "y": [0.0] * 200})
        assert check(ToleranceCheck(noise=0.05), Steep(1, "integer"), whole).verdict == "fail"

    @pytest.mark.parametrize(
        "values", [[0, 1] * 20, [5] * 40, [None, 1] * 20], ids=["too coarse", "constant", "constant with nulls"]
    )
    def test_is_inconclusive_when_nothing_moves(self, values: list[int | None]) -> None:
        frame = pl.DataFrame({"x": values, "y": [0.0] * 40})
        result = check(ToleranceCheck(), Steep(1, "integer"), frame)
        assert (result.verdict, result.vacuous) == ("inconclusive", True)

    def test_gives_the_same_answer_twice(self) -> None:
        assert check(ToleranceCheck(), Steep(9), LINE) == check(ToleranceCheck(), Steep(9), LINE)


class TestInvariance:
    def test_passes_what_does_not_matter(self) -> None:
        result = ask({"check": "invariance", "change": {"kind": "case", "to": "upper"}, "max_share": 0}, *reviews())
        assert (result.verdict, result.value, result.examples) == ("pass", 0.0, [])
        assert result.rows is not None
        assert 500 < result.rows <= 600

    def test_fails_with_the_texts_and_answers_that_moved(self) -> None:
        result = ask({"check": "invariance", "change": SWAP, "max_share": 0.1}, *reviews())
        assert (result.verdict, result.threshold) == ("fail", 0.1)
        assert result.value is not None
        assert result.low is not None
        assert result.high is not None
        assert 0 < result.low < result.value < result.high < 1
        first = result.examples[0]
        assert {first["answer_before"], first["answer_after"]} == {0, 1}
        assert first["before"]["text"] != first["after"]["text"]
        moves = [abs(one["probability_before"] - one["probability_after"]) for one in result.examples]
        assert moves == sorted(moves, reverse=True)

    def test_counts_only_rows_that_changed(self) -> None:
        model, frame = reviews()
        mentions = frame["text"].str.contains(r"(?i)\b(amazing|great)\b").sum()
        result = ask({"check": "invariance", "change": SWAP}, model, frame)
        assert (result.rows, result.details) == (mentions, {"looked_at": 600})
        assert f"on {mentions} rows (of 600) that the change touches" in result.message

    def test_numbers_the_examples_as_the_frozen_rows(self) -> None:
        model, frame = reviews()
        result = ask({"check": "invariance", "change": SWAP, "where": "source = 'yelp'", "max_share": 0}, model, frame)
        assert result.examples
        for example in result.examples:
            assert frame["text"][example["row"]] == example["before"]["text"]
            assert frame["source"][example["row"]] == "yelp"

    def test_bounds_the_move_of_a_probability(self) -> None:
        document = {"check": "invariance", "change": SWAP, "max_share": 0}
        wide = ask(document | {"max_move": 1.0}, *reviews())
        narrow = ask(document | {"max_move": 0.01, "output": 0}, *reviews())
        assert (wide.verdict, narrow.verdict) == ("pass", "fail")

    def test_moves_numbers_by_shares_of_their_spread(self) -> None:
        model, frame = patients()
        change = {"kind": "shift", "column": "bmi", "by": 0.01}
        usual = ask({"check": "invariance", "change": change, "max_share": 0}, model, frame)
        wide = ask({"check": "invariance", "change": change, "max_share": 0, "max_move": 0.5}, model, frame)
        assert (usual.verdict, wide.verdict) == ("fail", "pass")
        assert list(usual.examples[0]["before"]) == ["bmi"]

    def test_swaps_values_of_a_column(self) -> None:
        model, frame = patients()
        change = {"kind": "assign", "column": "sex", "values": {"m": "f", "f": "m"}}
        result = ask({"check": "invariance", "change": change}, model, frame)
        assert (result.verdict, result.rows) == ("fail", 442)

    def test_works_on_templates_without_frozen_rows(self) -> None:
        model, frame = reviews()
        document = {
            "check": "invariance",
            "change": {"kind": "replace", "words": {"{city}": "{city}"}},
            "templates": {"texts": ["The {city} place is great", "The {city} place is bad"]},
        }
        result = ask(document, model, frame.clear(), {"city": ["Rome", "Oslo", "Bern"]})
        assert (result.verdict, result.rows) == ("pass", 6)

    def test_takes_no_number_for_an_answer_that_moved(self) -> None:
        result = ask({"check": "invariance", "change": {"kind": "noise"}}, Lost(1), LINE)
        assert (result.verdict, result.value) == ("fail", 1.0)
        assert result.examples[0]["answer_after"] == "nan"

    def test_gives_the_same_result_twice(self) -> None:
        document = {"check": "invariance", "change": {"kind": "typos", "count": 2}}
        assert ask(document, *reviews()) == ask(document, *reviews())


class TestDirectional:
    def test_passes_what_follows(self) -> None:
        result = ask(FALL | {"min_share": 1}, *reviews())
        assert (result.verdict, result.value) == ("pass", 1.0)

    @pytest.mark.parametrize(
        ("direction", "verdict"), [("increase", "fail"), ("not_decrease", "fail"), ("not_increase", "pass")]
    )
    def test_knows_every_direction(self, direction: str, verdict: str) -> None:
        result = ask(FALL | {"direction": direction}, *reviews())
        assert result.verdict == verdict
        assert bool(result.examples) == (verdict == "fail")

    def test_of_another_label_is_the_other_way(self) -> None:
        assert ask(FALL | {"output": 0, "direction": "increase"}, *reviews()).verdict == "pass"

    def test_holds_for_numbers(self) -> None:
        change = {"kind": "shift", "column": "bmi", "factor": 2.0}
        model, frame = patients()
        up = {"check": "directional", "change": change, "direction": "not_decrease"}
        assert ask(up | {"where": "bmi > 0"}, model, frame).verdict == "pass"
        assert ask(up | {"where": "bmi < 0"}, model, frame).verdict == "fail"

    def test_shows_the_worst_first(self) -> None:
        change = {"kind": "shift", "column": "bmi", "factor": 2.0}
        model, frame = patients()
        result = ask({"check": "directional", "change": change, "direction": "increase"}, model, frame)
        moves = [one["answer_after"] - one["answer_before"] for one in result.examples]
        assert moves == sorted(moves)
        assert moves[0] < 0

    def test_takes_moves_within_the_slack_for_none(self) -> None:
        change = {"kind": "shift", "column": "bmi", "by": 0.01}
        document = {"check": "directional", "change": change}
        model, frame = patients()
        move = ask(document | {"direction": "decrease"}, model, frame).examples[0]
        slack = 1.1 * (move["answer_after"] - move["answer_before"])
        assert slack > 0
        assert ask(document | {"direction": "not_increase", "slack": slack}, model, frame).verdict == "pass"
        assert ask(document | {"direction": "increase", "slack": slack}, model, frame).verdict == "fail"

    def test_of_a_model_without_probabilities_is_its_labels(self) -> None:
        document = {"check": "directional", "change": {"kind": "shift", "column": "x", "by": 10}, "output": "yes"}
        model, frame = Terse(), LINE.with_columns(y=pl.lit("no"))
        assert ask(document | {"direction": "not_decrease"}, model, frame).value == 1.0
        assert ask(document | {"direction": "increase"}, model, frame).value == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("change", "model_and_rows"),
    [
        ({"kind": "replace", "words": {"xylophone": "zither"}}, reviews),
        ({"kind": "shuffle", "columns": ["ward"]}, patients),
        ({"kind": "assign", "column": "sex", "values": {"x": "m"}}, patients),
        ({"kind": "shift", "column": "bp", "by": 0}, patients),
    ],
    ids=["no such word", "no input", "no such value", "by nothing"],
)
@pytest.mark.parametrize("kind", ["invariance", "directional"])
def test_a_change_of_nothing_is_vacuous(kind: str, change: dict[str, Any], model_and_rows: Any) -> None:
    model, frame = model_and_rows()
    document = {"check": kind, "change": change}
    if kind == "directional":
        document |= {"direction": "not_decrease"} | ({"output": 1} if model.signature.classes else {})
    result = ask(document, model, frame)
    assert (result.verdict, result.vacuous, result.rows) == ("inconclusive", True, 0)
    assert "shows nothing" in result.message


def test_no_row_of_the_predicate_is_vacuous() -> None:
    result = ask({"check": "invariance", "change": SWAP, "where": "source = 'press'"}, *reviews())
    assert (result.verdict, result.vacuous) == ("inconclusive", True)


@pytest.mark.parametrize(
    ("document", "model_and_rows", "said"),
    [
        (FALL | {"output": 2}, reviews, "no label 2. Its labels are 0, 1."),
        (FALL | {"output": None}, reviews, "Set output to one of 0, 1."),
        (FALL | {"column": "txt"}, reviews, "no text input 'txt'. Did you mean 'text'?"),
        (FALL | {"change": {"kind": "case"}, "output": None, "where": "bmii > 0"}, patients, "'bmii'"),
        (FALL | {"change": {"kind": "case"}}, patients, "no label to look at"),
        (FALL | {"change": {"kind": "shift", "column": "sex", "by": 1}, "output": None}, patients, "is no amount"),
        (FALL | {"change": {"kind": "noise", "columns": ["bim"]}, "output": None}, patients, "Did you mean 'bmi'?"),
        (FALL | {"change": {"kind": "replace", "words": {"good": "{bda}"}}}, reviews, "no lexicon named 'bda'"),
        ({"check": "invariance", "change": {"kind": "typos"}}, tumours, "The model has no text inputs."),
    ],
)
def test_what_does_not_fit_the_model_fails_with_the_reason(
    document: dict[str, Any], model_and_rows: Any, said: str
) -> None:
    result = ask(document, *model_and_rows())
    assert (result.verdict, result.vacuous) == ("fail", False)
    assert said in result.message


def test_an_unseen_value_is_a_change_like_any_other() -> None:
    model, frame = patients()
    result = ask({"check": "invariance", "change": {"kind": "assign", "column": "sex", "value": "?"}}, model, frame)
    assert result.rows == 442
    assert np.isfinite(result.value or 0.0)

"""Minimum functionality: rows and templates answered as expected pass, others are shown with what came instead."""

import polars as pl

from domain.model_checks.specs import ExpectedRow, MinimumFunctionalityCheck
from tests.ml.model_checks.subjects import LINE, Steep, ask, check, reviews, tumours

WORDS = {"praise": ["great", "excellent"], "thing": ["food", "phone"]}
PLAIN = {"check": "minimum_functionality", "templates": {"texts": ["The {thing} is {praise}."]}, "expect": 1}


class TestMinimumFunctionality:
    def test_passes_rows_answered_as_expected(self) -> None:
        model, frame = tumours()
        row = frame.filter(pl.col("label") == "benign").row(0, named=True)
        expected = ExpectedRow(instance={k: v for k, v in row.items() if k != "label"}, expect="benign")
        gate = MinimumFunctionalityCheck(rows=[expected])
        assert check(gate, model, frame).verdict == "pass"

    def test_shows_wrong_and_unreadable_rows(self) -> None:
        rows = [
            ExpectedRow(instance={"x": 0.0}, expect=0.01, within=0.05),
            ExpectedRow(instance={"x": 0.0}, expect=1, within=0.5),
            ExpectedRow(instance={"x": 0.0}, expect="high", within=0.5),
            ExpectedRow(instance={"x": "zero"}, expect=0),
        ]
        result = check(MinimumFunctionalityCheck(rows=rows), Steep(1), LINE)
        assert (result.verdict, result.value) == ("fail", 0.25)
        assert [example.get("got") for example in result.examples] == [0.0, 0.0, None]
        assert result.examples[-1]["where"] == "rows[3].x"

    def test_needs_no_frozen_rows(self) -> None:
        gate = MinimumFunctionalityCheck(rows=[ExpectedRow(instance={"x": 0.0}, expect=0, within=1)])
        assert check(gate, Steep(1), LINE.clear()).verdict == "pass"


class TestTemplates:
    def test_answered_as_expected_pass(self) -> None:
        result = ask(PLAIN, *reviews(), WORDS)
        assert (result.verdict, result.value, result.rows, result.threshold) == ("pass", 1.0, 4, 1.0)
        assert result.low is not None
        assert 0.5 < result.low < 0.52  # Wilson's, of 4 of 4

    def test_answered_otherwise_show_text_answer_and_probability(self) -> None:
        result = ask(PLAIN | {"expect": 0}, *reviews(), WORDS)
        assert (result.verdict, result.value, len(result.examples)) == ("fail", 0.0, 4)
        first = result.examples[0]
        assert (first["instance"], first["expected"], first["got"]) == ({"text": "The food is great."}, 0, 1)
        assert 0 < first["probability"] < 0.5

    def test_may_fail_in_a_share(self) -> None:
        texts = ["This is excellent", "This is great", "This is good", "This is awful"]
        document = PLAIN | {"templates": {"texts": texts}}
        assert ask(document | {"min_share": 0.75}, *reviews()).verdict == "pass"
        assert ask(document | {"min_share": 0.76}, *reviews()).verdict == "fail"

    def test_need_no_frozen_rows(self) -> None:
        model, frame = reviews()
        assert ask(PLAIN, model, frame.clear(), WORDS).verdict == "pass"

    def test_expecting_an_unknown_label_fail_with_those_there_are(self) -> None:
        result = ask(PLAIN | {"expect": "praise"}, *reviews(), WORDS)
        assert (result.verdict, "no label 'praise'. Its labels are 0, 1." in result.message) == ("fail", True)

    def test_with_an_unknown_lexicon_fail_with_near_matches(self) -> None:
        result = ask(PLAIN, *reviews(), {"prase": ["good"], "thing": ["food"]})
        assert (result.verdict, "Did you mean 'prase'?" in result.message) == ("fail", True)

    def test_count_beside_rows(self) -> None:
        rows = [{"instance": {"text": "awful"}, "expect": 0}, {"instance": {"txt": "awful"}, "expect": 0}]
        result = ask(PLAIN | {"rows": rows}, *reviews(), WORDS)
        assert (result.verdict, result.rows, len(result.examples)) == ("fail", 6, 1)
        assert result.examples[0]["where"] == "rows[1].text"

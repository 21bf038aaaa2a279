"""Templates give every combination of words, a fair sample of too many, and refuse what the suite does not have."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import Invalid
from domain.model_checks.specs import ModelSuite, Templates
from domain.registry.specs import Signature
from ml.model_checks.templates import expand, template_rows

LEXICONS = {"good": ["good", "fine"], "thing": ["food", "film", "phone"], "many": [str(n) for n in range(100)]}
INPUTS = [
    {"name": "text", "type": "string"},
    {"name": "stars", "type": "integer"},
    {"name": "seen", "type": "datetime", "nullable": True},
]
SIGNATURE = Signature.model_validate({"task": "classification", "target": "y", "inputs": INPUTS, "classes": [0, 1]})


class TestExpand:
    def test_gives_every_combination_once(self) -> None:
        made = expand(["A {good} {thing}.", "{good}, {good}!", "Plain { {} {a b}"], LEXICONS, 500)
        assert len(made) == len(set(made)) == 6 + 2 + 1
        assert {"A fine phone.", "good, good!", "Plain { {} {a b}"} <= set(made)

    def test_samples_each_template_alike(self) -> None:
        made = expand(["{many} and {many}", "a {many} {good}", "b {thing}"], LEXICONS, 43)
        assert [sum(text.startswith(first) for text in made) for first in ("a ", "b ")] == [20, 3]
        assert len(made) == 43
        assert made == expand(["{many} and {many}", "a {many} {good}", "b {thing}"], LEXICONS, 43)

    def test_samples_from_more_than_can_be_counted_out(self) -> None:
        lexicons = {f"w{place}": [str(n) for n in range(1000)] for place in range(20)}
        made = expand([" ".join(f"{{{name}}}" for name in lexicons)], lexicons, 100)
        assert len(set(made)) == 100
        assert len({text.split()[-1] for text in made}) > 80

    def test_refuses_an_unknown_lexicon_with_near_matches(self) -> None:
        with pytest.raises(Invalid, match="no lexicon named 'goods'") as caught:
            expand(["A {goods} film"], LEXICONS, 10)
        assert "'good'" in (caught.value.fix or "")


class TestRows:
    def test_carry_the_text_and_the_rest(self) -> None:
        rows = template_rows(Templates(texts=["A {good} one"], rest={"stars": 3}), SIGNATURE, LEXICONS)
        assert rows.rows() == [("A good one", 3, None), ("A fine one", 3, None)]

    @pytest.mark.parametrize(
        ("templates", "said"),
        [
            ({}, "'stars' is missing"),
            ({"rest": {"stars": "three"}}, "'stars' must be a whole number"),
            ({"rest": {"stars": 3, "starz": 1}}, "no column 'starz'"),
            ({"rest": {"stars": 3}, "column": "txt"}, "no text input 'txt'"),
            ({"rest": {"stars": 3}, "column": "stars"}, "'stars' is integer, not a text"),
        ],
    )
    def test_that_the_model_cannot_read_are_refused(self, templates: dict[str, Any], said: str) -> None:
        with pytest.raises(Invalid, match=said):
            template_rows(Templates(texts=["A"], **templates), SIGNATURE, LEXICONS)

    def test_need_one_text(self) -> None:
        two = SIGNATURE.model_copy(update={"inputs": [*SIGNATURE.inputs, SIGNATURE.inputs[0]]})
        with pytest.raises(Invalid, match="2 text inputs"):
            template_rows(Templates(texts=["A"], rest={"stars": 3}), two, LEXICONS)
        none = SIGNATURE.model_copy(update={"inputs": SIGNATURE.inputs[1:]})
        with pytest.raises(Invalid, match="no text inputs"):
            template_rows(Templates(texts=["A"], rest={"stars": 3}), none, LEXICONS)


def suite(*checks: dict[str, Any]) -> ModelSuite:
    return ModelSuite.model_validate({"lexicons": LEXICONS, "checks": list(checks)})


PLAIN: dict[str, Any] = {"check": "minimum_functionality", "templates": {"texts": ["{good}"]}, "expect": 1}
INVARIANCE: dict[str, Any] = {"check": "invariance", "change": {"kind": "append", "phrases": ["a"]}}


class TestSuite:
    @pytest.mark.parametrize(
        ("check", "said"),
        [
            (INVARIANCE | {"templates": {"texts": ["a"]}, "where": "a > 1"}, "give one of them"),
            (INVARIANCE | {"change": {"kind": "noise"}, "column": "text"}, "which columns it changes"),
            (INVARIANCE | {"output": 1}, "output needs max_move"),
            (PLAIN | {"expect": None}, "templates need expect"),
        ],
    )
    def test_refuses_contradictions(self, check: dict[str, Any], said: str) -> None:
        with pytest.raises(ValidationError, match=said):
            suite(check)

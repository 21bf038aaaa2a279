"""Each change does what its name says, the same for the same seed, and refuses columns that it does not fit."""

from datetime import date
from typing import Any, get_args

import polars as pl
import pytest
from pydantic import TypeAdapter, ValidationError

from domain.errors import Invalid
from domain.model_checks.specs import Change
from domain.registry.specs import Signature
from ml.model_checks.changes import CHANGES, Setting, apply_change

INPUTS = [
    {"name": "text", "type": "string", "nullable": True},
    {"name": "sex", "type": "string"},
    {"name": "age", "type": "integer"},
    {"name": "size", "type": "number", "nullable": True},
    {"name": "clinic", "type": "integer", "category": True},
    {"name": "open", "type": "boolean"},
    {"name": "seen", "type": "datetime"},
]
SIGNATURE = Signature.model_validate({"task": "regression", "target": "y", "inputs": INPUTS})
TEXTS = ["An AMAZING, amazing film!", "Amazing", "Nothing to see", None]
FRAME = pl.DataFrame(
    {
        "text": TEXTS,
        "sex": ["Male", "Female", "Male", "Other"],
        "age": [10, 20, 30, 40],
        "size": [1.0, 2.5, None, float("nan")],
        "clinic": [1, 2, 3, 1],
        "open": [True, False, True, False],
        "seen": [date(2020, 1, day) for day in range(1, 5)],
        "ward": ["a", "b", "c", "d"],
    }
)
LEXICONS = {"good": ["good", "fine"], "bad": ["bad", "poor"], "city": ["Rome", "Paris"]}


def changed(document: dict[str, Any], frame: pl.DataFrame = FRAME, seed: int = 0, text: str = "text") -> pl.DataFrame:
    change = TypeAdapter(Change).validate_python(document)
    return apply_change(change, frame, Setting(SIGNATURE, LEXICONS, seed, text))


def texts(document: dict[str, Any], *given: str | None, seed: int = 0) -> list[str | None]:
    return changed(document, pl.DataFrame({"text": given}, schema={"text": pl.String}), seed)["text"].to_list()


def test_every_kind_is_in_the_table() -> None:
    union = get_args(Change)[0]
    assert {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(union)} == set(CHANGES)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "typos"},
        {"kind": "append", "phrases": ["a", "b", "c"]},
        {"kind": "replace", "words": {"amazing": "{bad}"}},
        {"kind": "noise"},
        {"kind": "shuffle", "columns": ["age"]},
    ],
)
def test_drawn_changes_are_the_same_for_the_same_seed_only(document: dict[str, Any]) -> None:
    long = pl.concat([FRAME] * 10)
    assert changed(document, long).equals(changed(document, long))
    assert not changed(document, long, seed=1).equals(changed(document, long))


@pytest.mark.parametrize("kind", ["typos", "punctuation"])
def test_missing_texts_stay_missing(kind: str) -> None:
    assert changed({"kind": kind})["text"].to_list()[-1] is None
    assert texts({"kind": kind}, None, None) == [None, None]


class TestTypos:
    def test_swap_neighbours_in_as_many_words_as_asked(self) -> None:
        [made] = texts({"kind": "typos", "count": 2}, "alpha beta gamma")
        pairs = list(zip(str(made).split(), ["alpha", "beta", "gamma"], strict=True))
        assert sum(one != other for one, other in pairs) == 2
        assert all(sorted(one) == sorted(other) for one, other in pairs)

    def test_leave_what_has_no_two_letters(self) -> None:
        assert texts({"kind": "typos", "count": 9}, "a 1 22 oo!", "") == ["a 1 22 oo!", ""]


class TestCase:
    @pytest.mark.parametrize(
        ("to", "made"), [("upper", "DON'T STOP"), ("lower", "don't stop"), ("title", "Don't Stop")]
    )
    def test_is_as_named(self, to: str, made: str) -> None:
        assert texts({"kind": "case", "to": to}, "don't STOP") == [made]


class TestPunctuation:
    def test_goes_or_comes(self) -> None:
        assert texts({"kind": "punctuation"}, "Good!! ", "Good", "") == ["Good", "Good.", "."]


class TestAppend:
    def test_puts_a_phrase_at_either_end(self) -> None:
        assert texts({"kind": "append", "phrases": ["So."]}, "Good.") == ["Good. So."]
        assert texts({"kind": "append", "phrases": ["So."], "place": "start"}, "Good.") == ["So. Good."]

    def test_draws_phrases_with_words_of_lexicons(self) -> None:
        made = texts({"kind": "append", "phrases": ["in {city}"]}, *["Good"] * 50)
        assert set(made) == {"Good in Rome", "Good in Paris"}


class TestReplace:
    def test_keeps_capitals_and_takes_whole_words(self) -> None:
        change = {"kind": "replace", "words": {"amazing": "horrible"}}
        made = texts(change, "AMAZING! Amazing, amazing. Amazingly unamazing")
        assert made == ["HORRIBLE! Horrible, horrible. Amazingly unamazing"]

    def test_takes_the_longest_and_what_a_pattern_would_misread(self) -> None:
        change = {"kind": "replace", "words": {"not good": "bad", "good": "fine", "c++": "rust"}}
        assert texts(change, "not good, good c++") == ["bad, fine rust"]

    def test_draws_from_lists_and_lexicons(self) -> None:
        assert set(texts({"kind": "replace", "words": {"x": ["a", "b"]}}, *["x"] * 50)) == {"a", "b"}
        assert set(texts({"kind": "replace", "words": {"{good}": "{bad}"}}, *["fine"] * 50)) == {"bad", "poor"}

    def test_names_one_word_on_both_sides(self) -> None:
        assert texts({"kind": "replace", "words": {"{good}": "not {good}"}}, "A fine day") == ["A not fine day"]

    def test_draws_another_word_of_the_same_lexicon(self) -> None:
        assert texts({"kind": "replace", "words": {"{city}": "{city}"}}, "Rome, Paris") == ["Paris, Rome"]

    def test_of_a_word_by_itself_changes_nothing(self) -> None:
        assert texts({"kind": "replace", "words": {"good": "good"}}, "So good") == ["So good"]

    @pytest.mark.parametrize("words", [{}, {"": "a"}, {"a": []}])
    def test_needs_words(self, words: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            changed({"kind": "replace", "words": words})


class TestNoise:
    def test_moves_every_amount_and_nothing_else(self) -> None:
        made = changed({"kind": "noise", "scale": 1})
        differing = [name for name in FRAME.columns if not made[name].equals(FRAME[name], null_equal=True)]
        assert differing == ["age", "size"]
        assert (made["age"] == made["age"].round()).all()
        assert (made["size"][2], str(made["size"][3])) == (None, "nan")

    def test_of_a_constant_is_none(self) -> None:
        constant = FRAME.with_columns(age=pl.lit(5))
        assert changed({"kind": "noise", "columns": ["age"]}, constant)["age"].to_list() == [5.0] * 4


class TestShift:
    def test_adds_or_multiplies(self) -> None:
        assert changed({"kind": "shift", "column": "size", "by": 0.5})["size"].to_list()[:3] == [1.5, 3.0, None]
        assert changed({"kind": "shift", "column": "age", "factor": 1.05})["age"].to_list() == [10, 21, 32, 42]

    @pytest.mark.parametrize("how", [{}, {"by": 1, "factor": 2}, {"by": float("inf")}])
    def test_is_one_of_both(self, how: dict[str, float]) -> None:
        with pytest.raises(ValidationError):
            changed({"kind": "shift", "column": "size", **how})


class TestShuffle:
    def test_moves_columns_together(self) -> None:
        long = pl.DataFrame({"age": range(50), "size": range(50), "sex": ["x"] * 50})
        made = changed({"kind": "shuffle", "columns": ["age", "size"]}, long)
        assert made["age"].to_list() != long["age"].to_list()
        assert sorted(made["age"]) == long["age"].to_list()
        assert made["age"].to_list() == made["size"].to_list()


class TestAssign:
    @pytest.mark.parametrize(
        ("column", "how", "made"),
        [
            ("sex", {"values": {"Male": "Female", "Female": "Male"}}, ["Female", "Male", "Female", "Other"]),
            ("sex", {"value": "Other"}, ["Other"] * 4),
            ("clinic", {"values": {"1": 2}}, [2, 2, 3, 2]),
            ("open", {"values": {"true": False}}, [False] * 4),
            ("size", {"values": {"2.5": 7}}, [1.0, 7.0, None]),
            ("ward", {"value": "e"}, ["e"] * 4),
        ],
    )
    def test_sets_values(self, column: str, how: dict[str, Any], made: list[Any]) -> None:
        assert changed({"kind": "assign", "column": column, **how})[column].to_list()[: len(made)] == made

    def test_sets_categories_and_times(self) -> None:
        named = FRAME.with_columns(pl.col("sex").cast(pl.Categorical))
        made = changed({"kind": "assign", "column": "sex", "values": {"Male": "New"}}, named)
        assert made["sex"].to_list() == ["New", "Female", "New", "Other"]
        made = changed({"kind": "assign", "column": "seen", "value": "2021-05-06"})
        assert made["seen"].to_list() == [date(2021, 5, 6)] * 4

    @pytest.mark.parametrize(
        ("column", "value"), [("sex", 3), ("age", "old"), ("age", 1.5), ("open", 1), ("seen", "soon")]
    )
    def test_refuses_what_the_column_cannot_hold(self, column: str, value: Any) -> None:
        with pytest.raises(Invalid, match=f"'{column}' must be"):
            changed({"kind": "assign", "column": column, "value": value})


@pytest.mark.parametrize(
    ("document", "said", "fix"),
    [
        ({"kind": "noise", "columns": ["aeg"]}, "no column 'aeg'", "'age'"),
        ({"kind": "shift", "column": "siez", "by": 1}, "no column 'siez'", "'size'"),
        ({"kind": "shuffle", "columns": ["wrad"]}, "no column 'wrad'", "'ward'"),
        ({"kind": "assign", "column": "sx", "value": "a"}, "no column 'sx'", "'sex'"),
        ({"kind": "shift", "column": "sex", "by": 1}, "'sex' is no amount", "assign or shuffle"),
        ({"kind": "shift", "column": "clinic", "by": 1}, "'clinic' is no amount but integer, a category", "assign"),
        ({"kind": "shift", "column": "ward", "by": 1}, "'ward' is no amount", "assign"),
        ({"kind": "noise", "columns": ["seen"]}, "'seen' is no amount", "assign"),
    ],
)
def test_refuses_columns_it_does_not_fit(document: dict[str, Any], said: str, fix: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        changed(document)
    assert fix in (caught.value.fix or "")

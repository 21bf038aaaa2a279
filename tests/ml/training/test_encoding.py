"""Rows and columns become the same arrays, and what cannot is refused at its exact place."""

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from domain.errors import Invalid
from domain.registry.specs import InputColumn, Signature
from ml.encoding import MISSING_CATEGORY, Encoder
from ml.values import DATE_PARTS

SIGNATURE = Signature(
    task="regression",
    target="y",
    inputs=[
        InputColumn(name="age", type="integer", example=39),
        InputColumn(name="weight", type="number", nullable=True),
        InputColumn(name="member", type="boolean"),
        InputColumn(name="city", type="string", nullable=True),
        InputColumn(name="hour", type="integer", category=True),
        InputColumn(name="seen", type="datetime", nullable=True),
    ],
)
ROW: dict[str, Any] = {
    "age": 41, "weight": 70.5, "member": True, "city": "Zürich", "hour": 7, "seen": "2012-02-29T23:59:00",
}  # fmt: skip


@pytest.fixture
def encoder() -> Encoder:
    return Encoder(SIGNATURE)


class TestRows:
    def test_become_one_array_of_numbers_and_one_of_strings(self, encoder: Encoder) -> None:
        feeds = encoder.encode_rows([ROW])
        assert encoder.number_names == ["age", "weight", "member", *(f"seen.{part}" for part in DATE_PARTS)]
        assert feeds["numbers"].dtype == np.float32
        assert feeds["numbers"].tolist() == [[41, 70.5, 1, 2012, 2, 29, 2, 60, 23, 59, 15399]]
        assert encoder.string_names == ["city", "hour"]
        assert feeds["strings"].tolist() == [["Zürich", "7"]]

    def test_leave_out_an_input_without_columns(self) -> None:
        only_numbers = Encoder(Signature(task="regression", target="y", inputs=[InputColumn(name="a", type="number")]))
        assert set(only_numbers.encode_rows([{"a": 1}])) == {"numbers"}

    def test_encode_permitted_nulls(self, encoder: Encoder) -> None:
        feeds = encoder.encode_rows([ROW | {"weight": None, "city": None, "seen": None}])
        assert feeds["strings"][0, 0] == MISSING_CATEGORY
        assert np.isnan(feeds["numbers"][0, 1])
        assert np.isnan(feeds["numbers"][0, 3:]).all()

    @pytest.mark.parametrize(
        ("column", "given", "meant"),
        [
            ("age", 41.0, 41),
            ("weight", 70, 70.0),
            ("weight", 2**60, float(2**60)),
            ("seen", datetime.fromisoformat("2012-02-29T23:59"), "2012-02-29T23:59"),
            ("seen", date(2012, 2, 29), "2012-02-29"),
            ("seen", "2012-03-01T01:59:00+02:00", "2012-02-29T23:59:00Z"),
            ("hour", 7.0, 7),
        ],
    )
    def test_accept_other_spellings_of_a_value(self, encoder: Encoder, column: str, given: Any, meant: Any) -> None:
        one, other = encoder.encode_rows([ROW | {column: given}]), encoder.encode_rows([ROW | {column: meant}])
        assert one["numbers"].tolist() == other["numbers"].tolist()
        assert one["strings"].tolist() == other["strings"].tolist()

    @pytest.mark.parametrize(
        ("column", "value", "code"),
        [
            ("age", 4.5, "wrong_type"),
            ("age", "41", "wrong_type"),
            ("age", True, "wrong_type"),
            ("age", None, "null_value"),
            ("age", 10**400, "out_of_range"),
            ("weight", math.nan, "not_finite"),
            ("weight", math.inf, "not_finite"),
            ("weight", -math.inf, "not_finite"),
            ("weight", 1e39, "out_of_range"),
            ("weight", [1], "wrong_type"),
            ("weight", {"kg": 1}, "wrong_type"),
            ("member", "true", "wrong_type"),
            ("member", 1, "wrong_type"),
            ("city", 7, "wrong_type"),
            ("city", "\ud800", "wrong_type"),
            ("hour", "7", "wrong_type"),
            ("seen", "yesterday", "wrong_type"),
            ("seen", 1330559940, "wrong_type"),
            ("seen", "0001-01-01T00:00:00+14:00", "wrong_type"),
        ],
    )
    def test_refuse_a_bad_value_where_it_stands(self, encoder: Encoder, column: str, value: Any, code: str) -> None:
        with pytest.raises(Invalid) as refused:
            encoder.encode_rows([ROW, ROW | {column: value}])
        assert (refused.value.code, refused.value.where) == (code, f"instances[1].{column}")
        assert column in refused.value.message

    def test_show_an_example_of_the_right_type(self, encoder: Encoder) -> None:
        with pytest.raises(Invalid) as refused:
            encoder.encode_rows([ROW | {"age": "old"}])
        assert refused.value.fix == "For example 39."

    def test_name_a_missing_column_and_the_one_it_may_be(self, encoder: Encoder) -> None:
        row = {("wieght" if name == "weight" else name): value for name, value in ROW.items()}
        with pytest.raises(Invalid) as refused:
            encoder.encode_rows([ROW, row], extra="record")
        assert (refused.value.code, refused.value.where) == ("missing_column", "instances[1].weight")
        assert refused.value.fix == "Did you mean 'wieght'?"

    def test_refuse_a_missing_column_even_where_null_is_permitted(self, encoder: Encoder) -> None:
        with pytest.raises(Invalid) as refused:
            encoder.encode_rows([{name: value for name, value in ROW.items() if name != "city"}])
        assert refused.value.code == "missing_column"

    def test_refuse_an_extra_column_with_a_near_match(self, encoder: Encoder) -> None:
        with pytest.raises(Invalid) as refused:
            encoder.encode_rows([ROW | {"citi": "Bern"}])
        assert (refused.value.code, refused.value.where) == ("extra_column", "instances[0].citi")
        assert refused.value.fix == "Did you mean 'city'?"

    def test_pass_over_extra_columns_when_they_are_recorded(self, encoder: Encoder) -> None:
        plain, extra = encoder.encode_rows([ROW]), encoder.encode_rows([ROW | {"note": "x"}], extra="record")
        assert extra["numbers"].tolist() == plain["numbers"].tolist()

    @pytest.mark.parametrize(("instances", "code"), [([], "no_rows"), ([ROW, 3], "not_a_row"), ([[1]], "not_a_row")])
    def test_refuse_what_is_no_row(self, encoder: Encoder, instances: list[Any], code: str) -> None:
        with pytest.raises(Invalid) as refused:
            encoder.encode_rows(instances)
        assert refused.value.code == code

    def test_lower_texts_to_classify(self) -> None:
        signature = Signature(
            task="text_classification",
            target="y",
            inputs=[InputColumn(name="text", type="string", nullable=True)],
            classes=[0, 1],
        )
        feeds = Encoder(signature).encode_rows([{"text": "ÉCLAIR"}, {"text": None}])
        assert feeds["strings"].tolist() == [["éclair"], [""]]


def awkward_rows() -> list[dict[str, Any]]:
    generator = np.random.default_rng(3)
    start = datetime.fromisoformat("1899-12-31T23:30")
    return [
        {
            "age": int(generator.integers(-5, 2**40)),
            "weight": None if index % 5 == 0 else float(generator.normal() * 10.0 ** generator.integers(-30, 30)),
            "member": bool(index % 2),
            "city": None if index % 7 == 0 else f"city {index % 3} ü",
            "hour": index % 24,
            "seen": None if index % 11 == 0 else start + timedelta(hours=index * 1009.7),
        }
        for index in range(1500)
    ]


def as_arrays(rows: list[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    return {
        "age": np.array([row["age"] for row in rows]),
        "weight": np.array([math.nan if row["weight"] is None else row["weight"] for row in rows]),
        "member": np.array([row["member"] for row in rows]),
        "city": np.array([row["city"] for row in rows], dtype=object),
        "hour": np.array([row["hour"] for row in rows]),
        "seen": np.array([row["seen"] for row in rows], dtype="datetime64[us]"),
    }


class TestColumns:
    @pytest.mark.parametrize("convert", [lambda array: array, lambda array: array.astype(object)])
    def test_give_what_rows_give(self, encoder: Encoder, convert: Callable[[Any], Any]) -> None:
        rows = awkward_rows()
        arrays = {name: convert(array) for name, array in as_arrays(rows).items() if name != "weight"}
        arrays["weight"] = as_arrays(rows)["weight"]
        one, other = encoder.encode_rows(rows), encoder.encode_columns(arrays)
        np.testing.assert_array_equal(one["numbers"], other["numbers"])
        assert one["strings"].tolist() == other["strings"].tolist()

    @pytest.mark.parametrize(
        ("column", "values", "code"),
        [
            ("age", np.array([1.0, 1.5]), "wrong_type"),
            ("age", np.array([True, False]), "wrong_type"),
            ("age", np.array([1.0, math.nan]), "null_value"),
            ("age", np.array(["a", "b"], dtype=object), "wrong_type"),
            ("weight", np.array([1.0, math.inf]), "not_finite"),
            ("weight", np.array([1.0, 1e39]), "out_of_range"),
            ("member", np.array([1, 0]), "wrong_type"),
            ("city", np.array([1, 2]), "wrong_type"),
            ("hour", np.array([1.0, math.nan]), "null_value"),
        ],
    )
    def test_refuse_a_bad_value_where_it_stands(
        self, encoder: Encoder, column: str, values: np.ndarray[Any, Any], code: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            encoder.encode_columns(as_arrays(awkward_rows()[1:3]) | {column: values})
        assert refused.value.code == code
        assert refused.value.where in {f"rows[0].{column}", f"rows[1].{column}"}

    def test_refuse_a_null_time_where_none_is_permitted(self) -> None:
        strict = Encoder(Signature(task="regression", target="y", inputs=[InputColumn(name="t", type="datetime")]))
        with pytest.raises(Invalid, match="is null"):
            strict.encode_columns({"t": np.array(["2020-01-01", "NaT"], dtype="datetime64[s]")})

    def test_name_a_missing_column(self, encoder: Encoder) -> None:
        arrays = as_arrays(awkward_rows()[:2])
        del arrays["city"]
        with pytest.raises(Invalid) as refused:
            encoder.encode_columns(arrays)
        assert (refused.value.code, refused.value.where) == ("missing_column", "rows.city")

    def test_refuse_no_rows(self, encoder: Encoder) -> None:
        with pytest.raises(Invalid) as refused:
            encoder.encode_columns(as_arrays([]))
        assert refused.value.code == "no_rows"

    def test_name_fractional_categories_by_their_value(self) -> None:
        column = InputColumn(name="size", type="number", category=True, nullable=True)
        encoder = Encoder(Signature(task="regression", target="y", inputs=[column]))
        feeds = encoder.encode_columns({"size": np.array([1.0, 2.5, math.nan])})
        assert feeds["strings"][:, 0].tolist() == ["1.0", "2.5", MISSING_CATEGORY]
        rows = encoder.encode_rows([{"size": 1}, {"size": 2.5}, {"size": None}])
        assert rows["strings"].tolist() == feeds["strings"].tolist()


def test_times_with_an_offset_count_as_utc() -> None:
    encoder = Encoder(Signature(task="regression", target="y", inputs=[InputColumn(name="t", type="datetime")]))
    here = datetime(2024, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert encoder.encode_rows([{"t": here}])["numbers"][0, :3].tolist() == [2023, 12, 31]

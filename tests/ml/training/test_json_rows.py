"""What the quick decoder takes it gives as the careful encoder does; what that refuses it never takes."""

from typing import Any

import numpy as np
import orjson
import pytest

from domain.errors import Invalid
from domain.registry.specs import InputColumn, Signature
from ml.encoding import Encoder, Feeds
from ml.json_rows import JsonRows

COLUMNS = [
    InputColumn(name="age", type="integer"),
    InputColumn(name="weight", type="number", nullable=True),
    InputColumn(name="member", type="boolean"),
    InputColumn(name="home town", type="string", nullable=True),
    InputColumn(name="plan", type="string"),
]
ROW: dict[str, Any] = {"age": 41, "weight": 70.5, "member": True, "home town": "Zürich", "plan": "a"}


def both(columns: list[InputColumn], body: bytes, **changes: Any) -> tuple[Feeds | None, Feeds | None]:
    """What the quick decoder makes of a JSON array of rows, and what the careful encoder; None for what it refuses."""
    signature = Signature(task="regression", target="y", inputs=columns).model_copy(update=changes)
    encoder = Encoder(signature)
    try:
        careful = encoder.encode_rows(orjson.loads(body))
    except (Invalid, orjson.JSONDecodeError, TypeError):
        careful = None
    return JsonRows(signature, encoder).encode(body), careful


def same(quick: Feeds | None, careful: Feeds | None) -> bool:
    assert quick is not None
    assert careful is not None
    for name, expected in careful.items():
        np.testing.assert_array_equal(quick[name], expected)
        assert (quick[name].dtype, quick[name].shape) == (expected.dtype, expected.shape)
    return quick.keys() == careful.keys()


class TestTakes:
    @pytest.mark.parametrize(
        "change",
        [
            {}, {"age": -3}, {"age": 2**53}, {"weight": 7}, {"weight": None}, {"weight": -2.0**53}, {"weight": 1e-300},
            {"weight": 0.1}, {"member": False}, {"home town": None}, {"home town": ""}, {"plan": "\u0000 \U0001f600"},
        ],
    )  # fmt: skip
    def test_rows_as_they_should_be(self, change: dict[str, Any]) -> None:
        body = orjson.dumps([ROW | change, dict(reversed(ROW.items()))])
        assert same(*both(COLUMNS, body))

    @pytest.mark.parametrize("kept", [[0], [4], [0, 1], [3, 4], [2, 3]])
    def test_any_mixture_of_columns(self, kept: list[int]) -> None:
        columns = [COLUMNS[index] for index in kept]
        rows = [{column.name: ROW[column.name] for column in columns}] * 3
        assert same(*both(columns, orjson.dumps(rows)))

    def test_texts_to_classify_in_lower_case(self) -> None:
        body = orjson.dumps([{"plan": "GOOD Ümlaut"}])
        assert same(*both(COLUMNS[4:], body, task="text_classification", classes=["a", "b"]))

    def test_the_last_of_two_values_as_json_readers_do(self) -> None:
        assert same(*both(COLUMNS[:1], b'[{"age": 1, "age": 2}]'))


class TestLeaves:
    @pytest.mark.parametrize(
        "change",
        [
            {"age": "41"}, {"age": 41.5}, {"age": True}, {"age": None}, {"age": [41]}, {"age": 1e300},
            {"weight": "70.5"}, {"weight": False}, {"weight": {}}, {"weight": 1e39}, {"member": 1}, {"member": None},
            {"member": "true"}, {"home town": 3}, {"home town": ["x"]}, {"plan": None}, {"more": 1},
        ],
    )  # fmt: skip
    def test_what_the_encoder_refuses(self, change: dict[str, Any]) -> None:
        assert both(COLUMNS, orjson.dumps([ROW, ROW | change])) == (None, None)

    @pytest.mark.parametrize(
        "body",
        [
            b"[]", b"{}", b"null", b"[1]", b"[[]]", b"[{}]", b"[{}", b'[{"age": NaN}]', b'[{"age": 01}]',
            b'[{"age": 1e400}]', b"[" * 100_000, b'[{"plan": "\xff"}]', b'[{"plan": "\\ud800"}]', b'[{"age": 1}] []',
        ],
    )  # fmt: skip
    def test_what_is_no_table_of_rows(self, body: bytes) -> None:
        assert both(COLUMNS[:1] if b"age" in body else COLUMNS[4:], body) == (None, None)

    @pytest.mark.parametrize("value", [2**53 + 2, 7.0, -(2**60)])
    def test_odd_numbers_to_the_encoder_or_reads_them_alike(self, value: float) -> None:
        quick, careful = both(COLUMNS[:1], orjson.dumps([{"age": value}]))
        assert careful is not None
        assert quick is None or same(quick, careful)

    @pytest.mark.parametrize(
        ("column", "readable"),
        [
            (COLUMNS[0], True),
            (InputColumn(name="hour", type="integer", category=True), False),
            (InputColumn(name="seen", type="datetime"), False),
        ],
    )
    def test_columns_that_are_read_value_by_value(self, column: InputColumn, readable: bool) -> None:
        assert JsonRows.can_read(Signature(task="regression", target="y", inputs=[column])) is readable

"""The filter language: what is read from a text, and where it says that something is wrong."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.experiments.filters import (
    BadRunFilter,
    Comparison,
    Field,
    Junction,
    Kind,
    Negation,
    Value,
    field_of,
    parse,
)

MAE = Field(Kind.METRIC, "mae")


def one(text: str) -> Comparison:
    found = parse(text)
    assert isinstance(found, Comparison)
    return found


class TestParse:
    def test_reads_a_comparison(self) -> None:
        assert one("metrics.mae < 50") == Comparison(MAE, "<", (50.0,))

    @pytest.mark.parametrize(
        "text", ["metrics.mae<50", "  metrics.mae   <\n50 ", "(metrics.mae < 5e1)", "metrics.mae<+50"]
    )
    def test_takes_no_notice_of_spaces_and_spare_parentheses(self, text: str) -> None:
        assert one(text) == Comparison(MAE, "<", (50.0,))

    def test_and_binds_closer_than_or_and_not_closest(self) -> None:
        a, b, c = (Comparison(Field(Kind.NUMBER, "seed"), "=", (float(n),)) for n in (1, 2, 3))
        assert parse("seed = 1 or seed = 2 AND not seed = 3") == Junction("or", (a, Junction("and", (b, Negation(c)))))
        assert parse("(seed = 1 or seed = 2) and seed = 3") == Junction("and", (Junction("or", (a, b)), c))

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('trainer = "linear"', "linear"),
            ("trainer = 'linear'", "linear"),
            ("trainer = linear", "linear"),
            (r'created_by = "a \"b\" \\ c"', 'a "b" \\ c'),
            ('created_by = "it\'s"', "it's"),
            ("state = FINISHED", "finished"),
            ("params.depth = 5", 5.0),
            ('params.depth = "5"', "5"),
            ("params.depth = sqrt", "sqrt"),
            ("params.warm = true", True),
            ('params.warm = "true"', "true"),
            ("params.depth = -1.5e-3", -0.0015),
            ("params.depth ~ 5", "5"),
            ("created_at > 2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
            ("created_at > 2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
            ('created_at > "2026-01-31 12:00"', datetime(2026, 1, 31, 12, tzinfo=UTC)),
            ("created_at > 2026-01-31T12:00+02:00", datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))),
        ],
    )
    def test_reads_values_as_the_field_has_them(self, text: str, value: Value) -> None:
        found = one(text).values[0]
        assert (type(found), found) == (type(value), value)

    def test_reads_several_values(self) -> None:
        assert one("trainer in (linear, 'random_forest')").values == ("linear", "random_forest")

    @pytest.mark.parametrize(
        ("name", "field"),
        [
            ("metrics.test_mae", Field(Kind.METRIC, "test_mae")),
            ("metrics.`my metric @ 5`", Field(Kind.METRIC, "my metric @ 5")),
            ("params.split.test", Field(Kind.PARAM, "split.test")),
            ("params.trainer", Field(Kind.TEXT, "trainer")),
            ("params.seed", Field(Kind.NUMBER, "seed")),
            ("metrics.", None),
            ("metrics.``", Field(Kind.METRIC, "``")),
            ('metrics.a"b', None),
            ("metric.mae", None),
        ],
    )
    def test_knows_fields_by_name(self, name: str, field: Field | None) -> None:
        assert field_of(name) == field


class TestRefusal:
    @pytest.mark.parametrize(
        ("text", "at", "expected"),
        [
            ("metrics.mae <", 14, "a number"),
            ("metrics.mae < low", 15, "a number"),
            ("metrics.mae < '5'", 15, "a number"),
            ("metrics.mae < nan", 15, "a number"),
            ("metrics.mae < inf", 15, "a number"),
            ("metrics.mae < 1_0", 15, "a number"),
            ("metrics.mae ~ 5", 13, "one of = != in < <= > >= after 'metrics.mae'"),
            ("metrics.mae 5", 13, "one of ="),
            ("params.depth < sqrt", 16, "a number"),
            ("mae < 5", 1, "a field, `not` or `(`"),
            ("'state' = finished", 1, "a field, `not` or `(`"),
            ("", 1, "a field, `not` or `(`"),
            ("state = done", 9, "one of pending, running, finished"),
            ("state < finished", 7, "one of = != in after 'state'"),
            ("trainer < x", 9, "one of = != in ~ after 'trainer'"),
            ("created_at = 2026-01-31", 12, "one of < <= > >= after 'created_at'"),
            ("created_at > yesterday", 14, "a time like"),
            ("created_at > 9999-12-31T23:59:59-23:59", 14, "a time like"),
            ("dataset_version >= 'x'", 20, "a number"),
            ("seed = 1 seed = 2", 10, "`and`, `or` or the end"),
            ("(seed = 1", 10, "`and`, `or` or `)`"),
            ("seed = 1)", 9, "`and`, `or` or the end"),
            ("seed = 1 and", 13, "a field, `not` or `(`"),
            ("not", 4, "a field, `not` or `(`"),
            ("trainer in linear", 12, "`(` and values"),
            ("trainer in ()", 13, "a text"),
            ("trainer in (a b)", 15, "`,` or `)`"),
            ("trainer in (a,)", 15, "a text"),
            ('trainer = "open', 11, "a field, an operator or a value"),
            ("trainer = a; drop", 12, "a field, an operator or a value"),
            ("trainer == a", 10, "a text"),
            ("metrics.`open < 5", 9, "a field, an operator or a value"),
        ],
    )
    def test_names_the_character_and_what_was_expected(self, text: str, at: int, expected: str) -> None:
        with pytest.raises(BadRunFilter) as refusal:
            parse(text)
        assert f"At character {at} " in refusal.value.message
        assert f"expected {expected}" in refusal.value.message
        assert refusal.value.where == "filter"

    def test_names_a_field_that_is_like_it(self) -> None:
        with pytest.raises(BadRunFilter) as refusal:
            parse("datset = bikes")
        assert refusal.value.fix == "Did you mean 'dataset'?"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("(" * 30 + "seed = 1" + ")" * 30, "at most 20 levels"),
            ("not " * 30 + "seed = 1", "at most 20 levels"),
            ("seed = 1 " * 101, "at most 300 words"),
            ("seed = " + "1" * 2_000, "at most 2,000 characters"),
            ('trainer = "a\x00b"', "At character 11"),
        ],
    )
    def test_has_bounds(self, text: str, said: str) -> None:
        with pytest.raises(BadRunFilter, match=said):
            parse(text)

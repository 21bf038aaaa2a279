"""The steps of recipes, one by one: what they make of rows, what they learn, and how they refuse."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import ValidationError

from domain.datasets.specs import RecipeSource
from ml.frames import EmptyTable
from ml.predicates import BadExpression
from ml.recipes.build import Built, build
from ml.recipes.rows import ColumnsDiffer, StepRefused


def time(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """As the platform has them: in UTC, without a zone."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC).replace(tzinfo=None)


PEOPLE = pl.DataFrame(
    {
        "id": [1, 2, 2, 3, 4],
        "age": [30, None, 41, 19, 35],
        "fare": [7.5, 8.0, float("nan"), 100.0, 9.0],
        "city": [" rome", "Oslo", "Oslo", "Bern  City", ""],
        "seen": [time(2024, 1, day) for day in (1, 2, 3, 4, 5)],
        "paid": [True, False, None, True, True],
    }
)
CITIES = pl.DataFrame({"city": ["Oslo", "Rome"], "land": ["NO", "IT"], "id": [47, 39]})


def run(*steps: dict[str, Any], table: pl.DataFrame = PEOPLE, training: pl.DataFrame | None = None) -> Built:
    fit_on = {} if training is None else {"fit_on": "people@1"}
    recipe = RecipeSource.model_validate({"concat": ["people@2"], "steps": list(steps), **fit_on})
    others = {"cities@1": CITIES.lazy()}
    return build([table.lazy()], recipe, others=others, training=None if training is None else training.lazy())


def column(name: str, *steps: dict[str, Any], table: pl.DataFrame = PEOPLE) -> list[Any]:
    return run(*steps, table=table).rows[name].to_list()


class TestSelection:
    @pytest.mark.parametrize(("keep", "ages"), [("first", [30, None]), ("last", [30, 41]), ("none", [30, 19])])
    def test_drop_duplicates_keeps_what_is_asked(self, keep: str, ages: list[int]) -> None:
        assert column("age", {"step": "drop_duplicates", "keys": ["id"], "keep": keep})[:2] == ages

    def test_drop_duplicates_without_keys_looks_at_whole_rows(self) -> None:
        twice = pl.concat([PEOPLE, PEOPLE])
        assert run({"step": "drop_duplicates"}, table=twice).rows.height == 5

    def test_filter_keeps_rows_where_it_holds(self) -> None:
        assert column("id", {"step": "filter", "where": "age > 20 AND city <> ''"}) == [1, 2]

    def test_sample_is_the_same_by_its_seed_and_keeps_the_order(self) -> None:
        table = pl.DataFrame({"n": range(1_000)})
        one, same, other = (
            column("n", {"step": "sample", "rows": 20, "seed": seed}, table=table) for seed in (1, 1, 2)
        )
        assert one == same == sorted(one)
        assert one != other
        assert len(column("n", {"step": "sample", "share": 0.25}, table=table)) == 250
        assert len(column("n", {"step": "sample", "rows": 5_000}, table=table)) == 1_000

    def test_sample_is_of_the_rows_that_are_left(self) -> None:
        kept = column("age", {"step": "filter", "where": "age > 20"}, {"step": "sample", "rows": 2})
        assert len(kept) == 2
        assert min(kept) > 20


class TestColumns:
    def test_rename_select_and_drop(self) -> None:
        rows = run(
            {"step": "rename", "names": {"age": "years", "id": "age"}},
            {"step": "drop", "columns": ["seen"]},
            {"step": "select", "columns": ["years", "age"]},
        ).rows
        assert rows.columns == ["years", "age"]

    def test_derive_sees_its_row_and_replaces_a_column(self) -> None:
        assert column("age", {"step": "derive", "name": "age", "expression": "age * 2"}) == [60, None, 82, 38, 70]
        sql = "CASE WHEN age >= 35 THEN 'old' ELSE 'young' END"
        assert column("who", {"step": "derive", "name": "who", "expression": sql})[2:4] == ["old", "young"]

    def test_a_derived_date_is_a_time_as_everywhere(self) -> None:
        rows = run({"step": "derive", "name": "day", "expression": "CAST(seen AS DATE)"}).rows
        assert rows.schema["day"] == pl.Datetime("us")

    @pytest.mark.parametrize(
        "sql",
        [
            *("fare / AVG(fare)", "ROW_NUMBER() OVER (ORDER BY id)", "LAG(age) OVER (ORDER BY id)", "MEDIAN(age)"),
            *("COUNT(*)", "age + SUM(age)", "QUANTILE_CONT(fare, 0.5)", "STDDEV(fare)", '"avg"(fare)', "FIRST(age)"),
            *("NOW()", "CURRENT_DATE", "current_timestamp", "agee + 1", "(SELECT 1)", "*", "age +", "city + 1 +"),
        ],
    )
    def test_derive_refuses_what_is_not_of_its_row(self, sql: str) -> None:
        with pytest.raises(BadExpression, match=r"^Step 1 \(derive\): ") as refused:
            run({"step": "derive", "name": "x", "expression": sql})
        assert refused.value.where == "source.steps.0.expression"

    def test_columns_may_be_called_like_parts_of_expressions(self) -> None:
        table = pl.DataFrame({"Len": [1], "Agg": ["Over"]})
        assert column("x", {"step": "derive", "name": "x", "expression": '"Len" + 1'}, table=table) == [2]
        assert column("x", {"step": "derive", "name": "x", "expression": "\"Agg\" || 'Len'"}, table=table) == [
            "OverLen"
        ]


class TestTypes:
    @pytest.mark.parametrize(
        ("values", "to", "cast"),
        [
            (["1", " 2 ", "3.0", None], "integer", [1, 2, 3, None]),
            (["9007199254740993"], "integer", [9007199254740993]),
            (["1.5", "-2"], "number", [1.5, -2.0]),
            (["Yes", "f", "1", "FALSE"], "boolean", [True, False, True, False]),
            ([1.0, 2.0, float("nan")], "integer", [1, 2, None]),
            ([1, 0, None], "boolean", [True, False, None]),
            ([True, False], "integer", [1, 0]),
            ([1, 2], "string", ["1", "2"]),
            ([True, None], "string", ["true", None]),
            ([time(2024, 1, 2, 3)], "string", ["2024-01-02T03:00:00"]),
        ],
    )
    def test_cast(self, values: list[Any], to: str, cast: list[Any]) -> None:
        assert column("x", {"step": "cast", "column": "x", "to": to}, table=pl.DataFrame({"x": values})) == cast

    @pytest.mark.parametrize(
        ("values", "to", "words"),
        [
            (["1", "two", "three"], "integer", "2 rows have a value of 'x' that is no integer, the first 'two'"),
            (["1", "1.5"], "integer", "1 row has a value of 'x' that is no integer, the first '1.5'"),
            ([1.5], "integer", "the first 1.5"),
            ([1e300], "integer", "the first 1e"),
            ([2], "boolean", "no boolean"),
            (["maybe"], "boolean", "no boolean"),
            (["2024-01-01"], "datetime", "'x' is string, which cannot be cast to datetime"),
            ([time(2024, 1, 1)], "integer", "cannot be cast to integer"),
        ],
    )
    def test_cast_refuses_a_value_without_meaning(self, values: list[Any], to: str, words: str) -> None:
        step = {"step": "cast", "columns": ["x"], "to": to}
        with pytest.raises(StepRefused, match=words) as refused:
            run(step, table=pl.DataFrame({"x": values}))
        assert refused.value.message.startswith("Step 1 (cast): ")
        assert refused.value.where == "source.steps.0.columns.0"
        assert refused.value.fix

    def test_cast_makes_null_of_it_when_asked(self) -> None:
        step = {"step": "cast", "column": "x", "to": "integer", "invalid": "null"}
        assert column("x", step, table=pl.DataFrame({"x": ["1", "two"]})) == [1, None]

    def test_parse_dates_takes_the_first_format_that_fits(self) -> None:
        step = {"step": "parse_dates", "column": "x", "format": ["%d/%m/%Y %H:%M", "%d.%m.%y"]}
        table = pl.DataFrame({"x": ["31/12/2011 07:10", "1.2.24", None]})
        assert column("x", step, table=table) == [time(2011, 12, 31, 7, 10), time(2024, 2, 1), None]

    def test_parse_dates_without_a_format_reads_iso_in_utc(self) -> None:
        texts = [
            "2024-05-01",
            "2024-05-01 12:30",
            "2024-05-01T12:30:15.5",
            "2024-05-01T12:30:15+02:00",
            "2024-05-01T12:00:00Z",
        ]
        times = column("x", {"step": "parse_dates", "column": "x"}, table=pl.DataFrame({"x": texts}))
        assert [str(time) for time in times] == [
            *("2024-05-01 00:00:00", "2024-05-01 12:30:00", "2024-05-01 12:30:15.500000"),
            *("2024-05-01 10:30:15", "2024-05-01 12:00:00"),
        ]

    def test_parse_dates_reads_numbers_that_are_dates(self) -> None:
        step = {"step": "parse_dates", "column": "x", "format": "%Y%m%d"}
        assert column("x", step, table=pl.DataFrame({"x": [20240229]})) == [time(2024, 2, 29)]

    @pytest.mark.parametrize("form", ["%H:%M", "%Q", "plain", "%b %d", "%"])
    def test_parse_dates_refuses_a_format_that_gives_no_date(self, form: str) -> None:
        with pytest.raises(StepRefused, match="format") as refused:
            run({"step": "parse_dates", "column": "city", "format": form})
        assert refused.value.where == "source.steps.0.format"

    def test_parse_dates_refuses_text_that_is_none(self) -> None:
        with pytest.raises(StepRefused, match="5 rows have a value of 'city' that is no datetime, the first ' rome'"):
            run({"step": "parse_dates", "column": "city", "format": "%Y-%m-%d"})


class TestValues:
    @pytest.mark.parametrize(
        ("step", "name", "values"),
        [
            ({"column": "age", "value": 0}, "age", [30, 0, 41, 19, 35]),
            ({"column": "fare", "value": 1}, "fare", [7.5, 8.0, 1.0, 100.0, 9.0]),
            ({"column": "age", "method": "mean"}, "age", [30, 31.25, 41, 19, 35]),
            ({"column": "age", "method": "median"}, "age", [30, 32.5, 41, 19, 35]),
            ({"column": "paid", "method": "mode"}, "paid", [True, False, True, True, True]),
            ({"columns": ["age", "fare"], "method": "forward"}, "fare", [7.5, 8.0, 8.0, 100.0, 9.0]),
        ],
    )
    def test_fill(self, step: dict[str, Any], name: str, values: list[Any]) -> None:
        assert column(name, {"step": "fill", **step}) == values

    def test_fill_takes_the_first_of_equally_common_values(self) -> None:
        table = pl.DataFrame({"x": ["b", "a", "b", "a", None]})
        assert column("x", {"step": "fill", "column": "x", "method": "mode"}, table=table)[-1] == "a"

    def test_fill_of_a_time_takes_iso_text(self) -> None:
        table = pl.DataFrame({"x": [time(2024, 1, 1), None]})
        step = {"step": "fill", "column": "x", "value": "2024-02-01T01:00:00+01:00"}
        assert column("x", step, table=table)[1] == time(2024, 2, 1)

    def test_clip_by_bounds_leaves_integers_integers(self) -> None:
        rows = run({"step": "clip", "column": "age", "min": 20.5, "max": 35}).rows
        assert rows["age"].to_list() == [30, None, 35, 21, 35]
        assert rows.schema["age"] == pl.Int64

    def test_clip_by_quantiles_learns_its_bounds(self) -> None:
        table = pl.DataFrame({"x": range(101)})
        built = run({"step": "clip", "column": "x", "quantiles": [0.1, 0.9]}, table=table)
        assert built.lessons[0].values == {"x": {"min": 10, "max": 90}}
        assert (built.rows["x"].min(), built.rows["x"].max()) == (10, 90)

    @pytest.mark.parametrize(
        ("name", "values", "others", "result"),
        [
            ("city", {"Oslo": "oslo", "": None}, "keep", [" rome", "oslo", "oslo", "Bern  City", None]),
            ("age", {"30": 31}, "keep", [31, None, 41, 19, 35]),
            ("paid", {"true": "yes", "false": "no"}, "null", ["yes", "no", None, "yes", "yes"]),
            ("id", {"1": 0.5, "2": 1}, "null", [0.5, 1.0, 1.0, None, None]),
        ],
    )
    def test_replace(self, name: str, values: dict[str, Any], others: str, result: list[Any]) -> None:
        assert column(name, {"step": "replace", "column": name, "values": values, "others": others}) == result

    @pytest.mark.parametrize(
        "step",
        [
            {"step": "fill", "value": 300},
            {"step": "replace", "values": {"2": 300}},
            {"step": "clip", "min": -500, "max": 300},
        ],
    )
    def test_new_values_fit_in_small_integers(self, step: dict[str, Any]) -> None:
        table = pl.DataFrame({"x": pl.Series([1, 2, None], dtype=pl.UInt8)})
        rows = run({**step, "column": "x"}, table=table).rows
        assert rows.schema["x"] == pl.Int64
        assert 300 in rows["x"] or rows["x"].to_list() == [1, 2, None]

    def test_text_is_made_alike(self) -> None:
        step = {"step": "text", "column": "city", "spaces": True, "case": "title"}
        assert column("city", step) == ["Rome", "Oslo", "Oslo", "Bern City", None]
        composed = column(
            "x", {"step": "text", "column": "x", "unicode": "NFKC"}, table=pl.DataFrame({"x": ["e\u0301\uff21"]})
        )
        assert composed == ["\u00e9A"]


class TestFeatures:
    def test_one_hot_learns_the_categories_in_their_order(self) -> None:
        built = run({"step": "one_hot", "column": "paid"})
        assert built.lessons[0].values == {"paid": [False, True]}
        assert built.rows["paid_true"].to_list() == [1, 0, 0, 1, 1]
        assert "paid" not in built.rows.columns

    def test_one_hot_of_given_categories_learns_nothing(self) -> None:
        built = run({"step": "one_hot", "column": "id", "categories": [2, 9], "keep": True})
        assert built.lessons == []
        assert built.rows.select("id", "id_2", "id_9").rows()[:2] == [(1, 0, 0), (2, 1, 0)]

    @pytest.mark.parametrize(
        ("method", "learned"),
        [
            ("standard", {"mean": 3.0, "std": 2.0**0.5}),
            ("minmax", {"min": 1.0, "range": 4.0}),
            ("robust", {"median": 3.0, "quartile_range": 2.0}),
        ],
    )
    def test_scale_learns_where_and_how_wide(self, method: str, learned: dict[str, float]) -> None:
        table = pl.DataFrame({"x": [1, 2, 3, 4, 5, None]})
        built = run({"step": "scale", "column": "x", "method": method}, table=table)
        assert built.lessons[0].values == {"x": learned}
        shift, spread = learned.values()
        assert built.rows["x"].to_list()[0] == pytest.approx((1 - shift) / spread)

    def test_a_column_that_does_not_vary_becomes_zero(self) -> None:
        assert column("x", {"step": "scale", "column": "x"}, table=pl.DataFrame({"x": [7, 7]})) == [0.0, 0.0]


class TestRelations:
    JOIN: ClassVar[dict[str, Any]] = {"step": "join", "version": "cities@1", "on": ["city"]}

    def test_join_keeps_the_rows_and_their_order(self) -> None:
        rows = run(self.JOIN).rows
        assert rows["land"].to_list() == [None, "NO", "NO", None, None]
        assert rows["id_right"].to_list() == [None, 47, 47, None, None]
        assert run({**self.JOIN, "how": "inner"}).rows["id"].to_list() == [2, 2]

    def test_join_by_columns_of_other_names(self) -> None:
        table = pl.DataFrame({"town": ["Rome"]})
        assert run({**self.JOIN, "on": {"town": "city"}}, table=table).rows["land"].to_list() == ["IT"]

    def test_join_refuses_to_multiply_rows_unless_allowed(self) -> None:
        twice = {"cities@1": pl.concat([CITIES, CITIES.head(1)]).lazy()}
        recipe = {"concat": ["people@2"], "steps": [self.JOIN]}
        with pytest.raises(StepRefused, match="2 rows of cities@1 have city 'Oslo', one of 1 repeated keys") as refused:
            build([PEOPLE.lazy()], RecipeSource.model_validate(recipe), others=twice)
        assert refused.value.where == "source.steps.0.on"
        recipe["steps"] = [{**self.JOIN, "allow_many": True}]
        assert build([PEOPLE.lazy()], RecipeSource.model_validate(recipe), others=twice).rows.height == 7

    def test_aggregate_gives_groups_in_the_order_they_appear(self) -> None:
        numbers = {
            "rows": {"function": "count"},
            "known": {"function": "count", "column": "age"},
            "total": {"function": "sum", "column": "age"},
            "mean": {"function": "mean", "column": "fare"},
            "cities": {"function": "n_unique", "column": "city"},
            "paid": {"function": "sum", "column": "paid"},
            "last": {"function": "max", "column": "seen"},
        }
        rows = run({"step": "aggregate", "by": ["id"], "aggregates": numbers}).rows
        assert rows.row(1) == (2, 2, 1, 41, 8.0, 1, 0, time(2024, 1, 3))
        assert rows["id"].to_list() == [1, 2, 3, 4]


class TestLearning:
    STEPS = (
        {"step": "filter", "where": "fare < 50"},
        {"step": "rename", "names": {"fare": "price"}},
        {"step": "fill", "column": "age", "method": "mean"},
        {"step": "scale", "column": "price", "method": "minmax"},
    )

    def test_on_another_version_walks_it_through_the_same_steps(self) -> None:
        training = PEOPLE.with_columns(age=pl.lit(10), fare=pl.Series([0.0, 10.0, 10.0, 99.0, 5.0]))
        built = run(*self.STEPS, training=training)
        assert [(lesson.place, lesson.step, lesson.values) for lesson in built.lessons] == [
            ("steps.2", "fill", {"age": 10.0}),
            ("steps.3", "scale", {"price": {"min": 0.0, "range": 10.0}}),
        ]
        assert built.rows["age"].to_list() == [30.0, 10.0, 35.0]
        assert built.rows["price"].to_list() == [0.75, 0.8, 0.9]

    def test_on_the_rows_themselves_sees_what_earlier_steps_left(self) -> None:
        built = run(*self.STEPS)
        assert built.lessons[0].values == {"age": 32.5}

    def test_refuses_a_training_version_of_other_columns(self) -> None:
        with pytest.raises(ColumnsDiffer, match="people@1 lacks the column 'paid'"):
            run(*self.STEPS, training=PEOPLE.drop("paid"))

    def test_says_when_the_training_rows_are_gone(self) -> None:
        training = PEOPLE.with_columns(fare=pl.lit(99.0))
        with pytest.raises(EmptyTable, match=r"Step 1 \(filter\) on people@1: it leaves no rows"):
            run(*self.STEPS, training=training)

    def test_needs_a_step_that_learns(self) -> None:
        with pytest.raises(ValidationError, match="no step of this recipe learns"):
            run({"step": "filter", "where": "id > 1"}, training=PEOPLE)

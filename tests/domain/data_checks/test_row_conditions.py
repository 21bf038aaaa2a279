"""Row conditions of Great Expectations: read by a grammar, since pandas would run what stands in them."""

from typing import Any

import pytest

from domain.data_checks.row_conditions import BadCondition, as_pandas, as_sql, parse


class TestParse:
    @pytest.mark.parametrize(
        ("condition", "pandas", "sql"),
        [
            ("age > 1", "(age > 1)", 'COALESCE("age" > 1, FALSE)'),
            ("`a b` != 'x'", "(`a b` != 'x')", "COALESCE(\"a b\" <> 'x', TRUE)"),
            ("age in [1, -2]", "(age in [1, -2])", 'COALESCE("age" IN (1, -2), FALSE)'),
            ("a not in ('x',)", "(a not in ['x'])", "COALESCE(\"a\" NOT IN ('x'), TRUE)"),
            ("1 < age", "(age > 1)", 'COALESCE("age" > 1, FALSE)'),
            ("not a.isnull()", "(not a.isnull())", 'NOT ("a" IS NULL)'),
            ("a.notna() | b", "(a.notnull() or (b == True))", '("a" IS NOT NULL OR COALESCE("b" = TRUE, FALSE))'),
            (
                "0 <= a < b and ~(c == 'x')",
                "(((a >= 0) and (a < b)) and (not (c == 'x')))",
                '((COALESCE("a" >= 0, FALSE) AND COALESCE("a" < "b", FALSE)) AND NOT (COALESCE("c" = \'x\', FALSE)))',
            ),
            ("mail == 'a@b.c'", "(mail == 'a@b.c')", "COALESCE(\"mail\" = 'a@b.c', FALSE)"),
            (
                {"type": "comparison", "column": {"name": "class"}, "operator": "NOT_IN", "parameter": [1, 2.5]},
                "(`class` not in [1, 2.5])",
                'COALESCE("class" NOT IN (1, 2.5), TRUE)',
            ),
            (
                {"type": "or", "conditions": [{"type": "nullity", "column": {"name": "a"}, "is_null": True}]},
                "(a.isnull())",
                '("a" IS NULL)',
            ),
            ({"type": "pass_through", "pass_through_filter": "a == 1"}, "(a == 1)", 'COALESCE("a" = 1, FALSE)'),
        ],
    )
    def test_reads_comparisons(self, condition: Any, pandas: str, sql: str) -> None:
        assert (as_pandas(parse(condition)), as_sql(parse(condition))) == (pandas, sql)

    @pytest.mark.parametrize(
        "condition",
        [
            "age.to_csv('stolen.csv') == None",
            "@pd.io.common.os.system('id') == 0",
            "a == 1 and @x",
            "__import__('os').system('id')",
            "a.__class__ == 1",
            "a.isnull(inplace)",
            "a.map(print)",
            "a[0] == 1",
            "(lambda: 1)() == a",
            "[x for x in a]",
            "a == f'{b}'",
            "a == (b := 1)",
            "`a`.to_csv('x')",
            "a == 'x`.to_csv(1)`'",
            "a + 1 > 2",
            "a is None",
            "a in []",
            "1 == 1",
            "'x'",
            "a == 1; b == 2",
            "a ==",
            "a == None",
            "(" * 500 + "a" + ")" * 500,
            "not " * 300 + "a",
            "a == 1" + " and a == 1" * 2_000,
            "a == '\x00'",
            "",
            7,
            {"type": "comparison", "column": {"name": "a`.x"}, "operator": "==", "parameter": 1},
            {"type": "comparison", "column": {"name": "a"}, "operator": "==", "parameter": "`b`"},
            {"type": "comparison", "column": {"name": "a"}, "operator": "==", "parameter": {"b": 1}},
            {"type": "comparison", "column": {"name": "a"}, "operator": "or 1 ==", "parameter": 1},
            {"type": "comparison", "column": {"name": "a"}, "operator": "IN", "parameter": 1},
            {"type": "pass_through", "pass_through_filter": "@x"},
            {"type": "and", "conditions": []},
            {"type": "and", "conditions": ["a == 1"]},
            {"type": "python"},
        ],
    )
    def test_refuses_whatever_else_pandas_would_run(self, condition: Any) -> None:
        with pytest.raises(BadCondition):
            parse(condition)

    def test_refuses_an_object_without_end(self) -> None:
        condition: dict[str, Any] = {"type": "nullity", "column": {"name": "a"}, "is_null": True}
        for _ in range(200):
            condition = {"type": "and", "conditions": [condition]}
        with pytest.raises(BadCondition, match="nested too deeply"):
            parse(condition)

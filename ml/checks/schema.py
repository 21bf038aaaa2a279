"""schema: the columns exist with the declared types."""

from collections.abc import Mapping
from typing import Any

from domain.data_checks.specs import SchemaCheck
from domain.datasets.specs import ColumnType
from ml.checks.plan import Outcome, Plan, Table, listed

_SYNONYMS: dict[str, ColumnType] = {"int": "integer", "float": "number", "bool": "boolean"}


def plan(spec: SchemaCheck, table: Table) -> Plan:
    """Whole numbers pass as `number`: a csv column of floats may happen to hold only whole ones."""
    problems = [problem for name, wanted in spec.columns.items() if (problem := _problem(table, name, wanted))]
    extra = [name for name in table.schema if name not in spec.columns]
    if extra and spec.extra == "forbid":
        problems.append(f"Not declared: {listed(extra)}.")
    good = f"All {len(spec.columns)} declared columns are there with their types."

    def judge(_: Mapping[str, Any]) -> Outcome:
        return Outcome(ok=not problems, message=" ".join(problems) or good, value=len(problems), threshold=0)

    return Plan(judge)


def _problem(table: Table, name: str, wanted: str) -> str | None:
    if name not in table.schema:
        return table.no_column(name)
    expected, found = _SYNONYMS.get(wanted, wanted), table.type_of(name)
    if found == expected or (found, expected) == ("integer", "number"):
        return None
    return f"{name!r} is {found}, not {expected}."

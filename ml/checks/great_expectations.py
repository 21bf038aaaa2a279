"""Suites of Great Expectations, run by the library itself on a table in memory.

It takes seconds to import: only a process of its own does that, see `workers.expectations`.
"""

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import polars as pl

from domain.data_checks.specs import CheckResult, Expectation, GreatExpectationsCheck, Severity, Verdict
from ml.checks.plan import listed, percent, rows
from ml.frames import rows_as_json
from ml.values import did_you_mean

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for engines it could use, and these speak up
    import great_expectations as gx
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

SAMPLE_ROWS = 10
SHOWN_VALUES = 5
_EXACT_IN_A_FLOAT: Final = 2**53
_INT64: Final = 2**63 - 1
_LONGEST: Final = 300
_PLACE: Final = "millrace_place"
_FORMAT: Final = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_ROWS}
_SEVERITIES: Final[Mapping[str | None, Severity]] = {"critical": "error", "warning": "warn", "info": "warn"}


def run_expectations(frame: pl.LazyFrame, spec: GreatExpectationsCheck) -> list[CheckResult]:
    """One result per expectation, in the order of the suite; an expectation that cannot be asked fails and says why.

    `value` is the share of unexpected values (threshold: what `mostly` leaves), or the observed value as GX shows it.
    """
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    table = frame.collect()
    expectations = spec.suite.expectations
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = _batch(_as_pandas(table))
        answers: list[ExpectationValidationResult | str] = ["It gave no answer." for _ in expectations]
        askable = {}
        for place, expectation in enumerate(expectations):
            if absent := _absent(expectation, table.columns):
                answers[place] = absent
                continue
            try:
                askable[place] = _configured(place, expectation)
            except Exception as error:  # noqa: BLE001 - GX says what is wrong with an expectation in many ways
                answers[place] = f"suite.expectations.{place}: {_said_by_pydantic(error)}."
        for place, answer in _ask(batch, askable).items():
            answers[place] = answer
    return [
        _result(spec, expectation, answer, table) for expectation, answer in zip(expectations, answers, strict=True)
    ]


def _batch(table: pd.DataFrame) -> Batch:
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]  # it takes the plain form too
    asset = context.data_sources.add_pandas("millrace").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": table})


def _as_pandas(table: pl.DataFrame) -> pd.DataFrame:
    """As `pandas.read_csv` would have it: integers with gaps are floats, but for those a float cannot hold."""
    frame = table.to_pandas()
    for column in table:
        if column.dtype.is_integer() and 0 < column.null_count() < len(column):
            values = column.drop_nulls().to_list()
            largest = max(values)
            if max(largest, -min(values)) > _EXACT_IN_A_FLOAT:
                frame[column.name] = pd.array(column.to_list(), dtype="UInt64" if largest > _INT64 else "Int64")
    return frame


def _absent(expectation: Expectation, columns: Sequence[str]) -> str | None:
    if expectation.type == "expect_column_to_exist":
        return None
    absent = [name for name in expectation.columns if name not in columns]
    return (
        " ".join(f"There is no column {name!r}. {did_you_mean(name, columns) or ''}".strip() for name in absent) or None
    )


def _configured(place: int, expectation: Expectation) -> ExpectationConfiguration:
    """Marked with its place: GX answers in an order of its own. Raises what its pydantic finds wrong."""
    configuration = ExpectationConfiguration(type=expectation.type, kwargs=expectation.asked(), meta={_PLACE: place})
    configuration.to_domain_obj()
    return configuration


def _ask(
    batch: Batch, configurations: Mapping[int, ExpectationConfiguration]
) -> dict[int, ExpectationValidationResult | str]:
    """GX's answers by place. Should it break on the suite, each expectation is asked alone to find which."""
    if not configurations:
        return {}
    try:
        suite = gx.ExpectationSuite(name="suite", expectations=list(configurations.values()))
        found = batch.validate(suite, result_format=_FORMAT).results
    except Exception as error:  # noqa: BLE001 - an expectation may raise anything
        if len(configurations) == 1:
            return dict.fromkeys(configurations, f"Great Expectations broke on it: {_first_line(error)}.")
        return {place: answer for place, one in configurations.items() for answer in _ask(batch, {place: one}).values()}
    return {_place(result): result for result in found}


def _place(result: ExpectationValidationResult) -> int:
    marks = result.expectation_config.meta if result.expectation_config else None
    return int((marks or {})[_PLACE])


def _result(
    spec: GreatExpectationsCheck,
    expectation: Expectation,
    answer: ExpectationValidationResult | str,
    table: pl.DataFrame,
) -> CheckResult:
    about = ", ".join(expectation.columns)
    name = f"{expectation.type}({about})" if about else expectation.type
    severity = "warn" if spec.severity == "warn" else _SEVERITIES.get(expectation.severity, spec.severity)
    failed: Verdict = "fail" if severity == "error" else "warn"
    facts: dict[str, Any] = {"message": answer} if isinstance(answer, str) else _facts(expectation, answer, table)
    ok = not isinstance(answer, str) and _true(answer.success)
    return CheckResult(
        check=spec.check,
        name=f"{spec.name}: {name}" if spec.name else name,
        severity=severity,
        verdict="pass" if ok else failed,
        **facts,
    )


def _facts(expectation: Expectation, answer: ExpectationValidationResult, table: pl.DataFrame) -> dict[str, Any]:
    if (broken := _exception(answer)) is not None:
        return {"message": f"Great Expectations cannot compute it: {broken}."}
    ok, found = _true(answer.success), answer.result
    if "unexpected_percent" not in found:
        return _aggregate(expectation, found, ok=ok)
    count, total, share = (
        int(found["unexpected_count"]),
        int(found["element_count"]),
        (found["unexpected_percent"] or 0.0) / 100,
    )
    allowed = 1 - float(expectation.kwargs.get("mostly") or 1)
    values = listed((_unpaired(_plain(value)) for value in found.get("partial_unexpected_list", [])), SHOWN_VALUES)
    of = "values" if "column" in expectation.kwargs else "rows"
    message = (
        f"{count:,} of {total:,} {of} ({percent(share)} of those judged) are unexpected: {values}."
        if count
        else f"As expected in {rows(total)}."
    )
    places = (
        [] if ok else [place for place in found.get("partial_unexpected_index_list") or [] if isinstance(place, int)]
    )
    places = places[:SAMPLE_ROWS]
    return {
        "message": message,
        "value": float(share),
        "threshold": round(allowed, 12),
        "failing_count": count,
        "failing_rows": [{**row, "row": at} for row, at in zip(rows_as_json(table[places]), places, strict=True)],
    }


def _aggregate(expectation: Expectation, found: Mapping[str, Any], *, ok: bool) -> dict[str, Any]:
    observed = _plain(found.get("observed_value"))
    asked = {
        key: value
        for key, value in expectation.kwargs.items()
        if key in ("min_value", "max_value", "strict_min", "strict_max", "value", "value_set", "type_", "type_list")
    }
    said = [] if observed is None else [f"Observed {_short(observed)}."]
    if found.get("partial_unexpected_list"):
        said.append(f"Unexpected: {listed(map(_plain, found['partial_unexpected_list']), SHOWN_VALUES)}.")
    details = (found.get("details") or {}).get("mismatched")
    if details:
        said.append(f"Mismatched: {_short(_plain(details))}.")
    return {
        "message": " ".join(said) or ("As expected." if ok else "Not as expected."),
        "value": observed if isinstance(observed, int | float) or observed is None else _short(observed),
        "threshold": _short(asked) if asked else None,
        "failing_count": int(found.get("unexpected_count") or 0),
    }


def _exception(answer: ExpectationValidationResult) -> str | None:
    """The sentence of the exception GX swallowed; it keeps one, or one for each metric."""
    info = answer.exception_info or {}
    for one in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if one.get("raised_exception") and one.get("exception_message"):
            return _first_line(one["exception_message"])
    return None


def _true(success: object) -> bool:
    """GX's success: a boolean of Python's or of numpy's, or the word."""
    return str(success) == "True"


def _plain(value: Any) -> Any:
    """The value as JSON has it: numpy's scalars and times, which GX lets through, made plain."""
    return json.loads(json.dumps(value, default=_scalar, allow_nan=True), parse_constant=lambda word: word)


def _scalar(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)


def _unpaired(value: Any) -> Any:
    """A pair of values comes twice."""
    return value[0] if isinstance(value, list) and len(value) == 2 and value[0] == value[1] else value


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _first_line(error: object) -> str:
    return (str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__)[:_LONGEST]


def _said_by_pydantic(error: Exception) -> str:
    """`value_set: field required`, from the several lines of a validation error."""
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return _first_line(error)
    return "; ".join(dict.fromkeys(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors()))[:_LONGEST]

"""Runs as the API tells them: many at a time with one query per noun, one with all it belongs to, or side by side."""

from collections.abc import Sequence
from typing import Any

from api.schemas.jobs import UsageRead
from api.schemas.runs import Difference, RunComparison, RunDetail, RunRead, RunTurn, RunVersion
from domain.datasets.queries import versions_by_id
from domain.db import AnySession
from domain.experiments.models import Run
from domain.experiments.queries import experiment_names
from domain.jobs.queries import get_job
from domain.jobs.usage import Prices
from domain.pipelines.queries import turn_that_trained
from domain.registry.queries import versions_of_runs
from domain.reproductions import queries as reproductions
from domain.sweeps.queries import trial_of_run


def read_runs(session: AnySession, rows: Sequence[Run]) -> list[RunRead]:
    """Each run with the names of what it refers to."""
    names = experiment_names(session, {row.experiment_id for row in rows})
    data = versions_by_id(session, {row.dataset_version_id for row in rows})
    registered = versions_of_runs(session, [row.id for row in rows])
    return [
        _read(
            row,
            experiment=names[row.experiment_id],
            dataset=data[row.dataset_version_id].dataset.name,
            dataset_version=data[row.dataset_version_id].number,
            versions=[RunVersion(model=name, number=number) for name, number in registered.get(row.id, [])],
        )
        for row in rows
    ]


def read_run(session: AnySession, row: Run, prices: Prices) -> RunDetail:
    """One run with the stages of its job, and whoever asked for it."""
    turn = turn_that_trained(session, row.id)
    trial = trial_of_run(session, row.id) if row.sweep_id else None
    made = reproductions.that_made(session, row.id) if row.reproduces else None
    return RunDetail(
        **read_runs(session, [row])[0].model_dump(),
        usage=UsageRead.of(get_job(session, row.job_id).stages, prices),
        profiled=row.profile_html_md5 is not None,
        turn=RunTurn(pipeline=turn[0], pipeline_run_id=turn[1]) if turn else None,
        trial=trial.number if trial else None,
        reproduction_id=made.id if made else None,
        last_verdict=reproductions.last_verdict(session, row.id),
    )


def compare(session: AnySession, rows: Sequence[Run]) -> RunComparison:
    """What differs of what was asked, of the data, the code and the machine; and every metric."""
    versions = versions_by_id(session, {row.dataset_version_id for row in rows})
    params = _differing([_asked(row) for row in rows])
    # What has not finished has no environment yet, which makes no difference.
    environments = _differing([dict(row.environment) for row in rows], given=[bool(row.environment) for row in rows])
    differences = {
        Difference.DATA: len({row.dataset_digest for row in rows}) > 1,
        Difference.CODE: len({row.code_commit for row in rows}) > 1,
        Difference.ENVIRONMENT: bool(environments),
        Difference.PARAMS: bool(params),
    }
    return RunComparison(
        runs=[row.id for row in rows],
        states=[row.state for row in rows],
        differs=[name for name, differs in differences.items() if differs],
        datasets=[
            f"{version.dataset.name}@{version.number}" for version in (versions[row.dataset_version_id] for row in rows)
        ],
        dataset_digests=[row.dataset_digest for row in rows],
        params=params,
        metrics={
            name: [row.metrics.get(name) for row in rows]
            for name in sorted({name for row in rows for name in row.metrics})
        },
        code_commits=[row.code_commit for row in rows],
        environments=environments,
    )


def _read(row: Run, **computed: Any) -> RunRead:
    took = (row.ended_at - row.started_at).total_seconds() if row.ended_at and row.started_at else None
    computed["duration_seconds"] = took
    plain = {name: getattr(row, name) for name in RunRead.model_fields if name not in computed}
    unfinished = {
        name: None for name in ("package", "package_digest", "environment_digest", "mlflow_run_id") if not plain[name]
    }
    return RunRead.model_validate({**plain, **computed, **unfinished})


def _asked(row: Run) -> dict[str, Any]:
    split = {f"split.{name}": value for name, value in row.spec["split"].items()}
    chosen = {name: row.spec[name] for name in ("trainer", "task", "target", "features", "categorical", "seed")}
    return {**chosen, **split, **{f"params.{name}": value for name, value in row.params.items()}}


def _differing(asked: Sequence[dict[str, Any]], *, given: Sequence[bool] | None = None) -> dict[str, list[Any]]:
    """By name the values of all, where those that were `given` are not the same."""
    names = sorted({name for one in asked for name in one})
    columns = {name: [one.get(name) for one in asked] for name in names}
    counted = [place for place in range(len(asked)) if given is None or given[place]]
    return {
        name: values
        for name, values in columns.items()
        if any(values[place] != values[counted[0]] for place in counted)
    }

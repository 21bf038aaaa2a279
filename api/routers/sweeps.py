"""Sweeps: start one in an experiment, follow its trials, cancel."""

from collections import Counter
from collections.abc import Sequence

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.pages import PageRead
from api.schemas.sweeps import SweepDetail, SweepRead, TrialRead
from domain.db import AnySession
from domain.experiments.queries import experiment_names, get_experiment
from domain.sweeps import queries, service
from domain.sweeps.models import Sweep
from domain.sweeps.specs import SweepSpec
from domain.sweeps.states import SweepState

router = APIRouter(tags=["sweeps"], route_class=DocumentRoute)


def _read(session: AnySession, rows: Sequence[Sweep]) -> list[SweepDetail]:
    names = experiment_names(session, {row.experiment_id for row in rows})
    trials = queries.trials_of(session, rows)
    return [
        SweepDetail(
            id=row.id,
            experiment=names[row.experiment_id],
            state=row.state,
            reason=row.reason,
            spec=SweepSpec.model_validate(row.spec),
            total=row.trials,
            counts=Counter(trial.state for trial in trials[row.id]),
            best=next((TrialRead.model_validate(one) for one in trials[row.id] if one.number == row.best), None),
            created_by=row.created_by,
            created_at=row.created_at,
            ended_at=row.ended_at,
            trials=[TrialRead.model_validate(one) for one in trials[row.id]],
        )
        for row in rows
    ]


@router.post("/experiments/{name}/sweeps", status_code=202)
def start_sweep(
    name: str, spec: SweepSpec, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> SweepDetail:
    """Try many parameters (JSON, or YAML as `application/yaml`). Each trial is a run with a job of its own.

    What is known to be wrong with the training, the space or the objective is refused now, naming the field.
    """
    sweep = service.start(session, experiment=name, spec=spec, key=key)
    response.headers["Location"] = f"/api/v1/sweeps/{sweep.id}"
    return _read(session, [sweep])[0]


@router.get("/sweeps")
def list_sweeps(
    session: ReadDep, page: PageDep, _: Reader, experiment: str | None = None, state: SweepState | None = None
) -> PageRead[SweepRead]:
    """Sweeps with the best trial of each, newest first."""
    experiment_id = get_experiment(session, experiment).id if experiment else None
    found = queries.list_sweeps(session, page, experiment_id=experiment_id, state=state)
    items = [SweepRead.model_validate(one.model_dump(exclude={"trials"})) for one in _read(session, found.items)]
    return PageRead[SweepRead](items=items, next_cursor=found.next_cursor)


@router.get("/sweeps/{sweep_id}")
def get_sweep(sweep_id: str, session: ReadDep, _: Reader) -> SweepDetail:
    """The sweep and its trials: parameters, state and metric of each."""
    return _read(session, [queries.get_sweep(session, sweep_id)])[0]


@router.post("/sweeps/{sweep_id}/cancel")
def cancel_sweep(sweep_id: str, session: WriteDep, _: Writer) -> SweepDetail:
    """No further trial begins; those that are queued or running are stopped."""
    return _read(session, [service.cancel(session, sweep_id=sweep_id)])[0]

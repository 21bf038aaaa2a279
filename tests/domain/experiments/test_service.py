"""A run's life in its service: what is written once, and which moves are refused."""

import pytest

from adapters.runtime import Runtime
from domain.datasets.models import DatasetVersion
from domain.experiments import queries, service
from domain.experiments.service import WrongRunState
from domain.experiments.states import RunState
from tests.finished_runs import OUTCOME, finished_run, make_data


@pytest.fixture
def data(runtime: Runtime) -> DatasetVersion:
    with runtime.transaction() as session:
        return make_data(session)


def test_a_finished_run_is_never_written_again(runtime: Runtime, data: DatasetVersion) -> None:
    with runtime.transaction() as session:
        run_id = finished_run(session, data)
    other = OUTCOME.model_copy(update={"metrics": {"test_mae": 2.0}})
    with runtime.transaction() as session:
        assert service.finish_run(session, run_id=run_id, outcome=other)[1] is False
        assert service.end_run(session, run_id=run_id, cancelled=False, reason="late")[1] is False
    with runtime.reading() as session:
        run = queries.get_run(session, run_id)
    assert (run.state, run.metrics, run.reason) == (RunState.FINISHED, {"test_mae": 1.0}, "")


def test_a_finished_run_does_not_begin_again(runtime: Runtime, data: DatasetVersion) -> None:
    with runtime.transaction() as session:
        run_id = finished_run(session, data)
    with pytest.raises(WrongRunState), runtime.transaction() as session:
        service.begin_run(session, run_id=run_id)


def test_ensure_makes_an_experiment_once(runtime: Runtime) -> None:
    with runtime.transaction() as session:
        made = service.ensure_experiment(session, name="e")
        assert service.ensure_experiment(session, name="e") is made

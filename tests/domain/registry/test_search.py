"""Tags and metrics are found inside JSON, on both databases."""

from typing import Any

import pytest

from adapters.runtime import Runtime
from domain.pages import PageRequest
from domain.registry import queries, service
from domain.registry.search import search_models, search_versions
from tests.conftest import ON_BOTH_DATABASES
from tests.finished_runs import finished_run, make_data

pytestmark = ON_BOTH_DATABASES


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"metrics": ["mae<=1"]}, 1),
        ({"metrics": ["mae<1"]}, 0),
        ({"metrics": ["r2>0"]}, 0),
        ({"tags": ["team.x/y:a"]}, 1),
        ({"tags": ["team.x/y:b"]}, 0),
        ({"tags": ["nope:a"]}, 0),
        ({"dataset": "d", "trainer": "linear", "q": "M"}, 1),
    ],
)
def test_finds_versions(runtime: Runtime, asked: dict[str, Any], found: int) -> None:
    with runtime.transaction() as session:
        model = service.create_model(session, name="m", task="regression", target="y")
        version = service.add_version(session, model=model, run_id=finished_run(session, make_data(session)))
        service.describe_version(session, version=version, tags={"team.x/y": "a"})
        service.describe_model(session, model=queries.get_model(session, "m", lock=True), tags={"team.x/y": "a"})
    with runtime.reading() as session:
        assert len(search_versions(session, PageRequest(), **asked).items) == found
        if "tags" in asked:
            assert len(search_models(session, PageRequest(), **asked).items) == found

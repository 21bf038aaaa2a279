"""Every route of the OpenAPI document, sent what nobody should send: a problem with a code, and nothing written.

The cases are made from the document, so that a new route is tried without a word here; one that takes a body has to
show a good one in `odd_input.BODIES`, which is then broken in every place.
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest

from domain.access.actor import SCOPES, Scope
from tests.api.odd_input import (
    BAD_AUTHORIZATION,
    BODIES,
    CURSORS,
    NO_NAMES,
    NO_NUMBERS,
    NOT_AN_OBJECT,
    NOT_JSON,
    ODD_QUERIES,
    OTHER_TYPES,
    broken,
)
from tests.api.world import World, build_world
from tests.conftest import TrackingInMemory
from tests.documented import document
from workers.dataset_cache import DatasetCache
from workers.handlers.table import CHORES
from workers.toolbox import Toolbox

DOCUMENT: Final = document()
GOOD_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
JSON: Final = {"content-type": "application/json"}
# They wait: for a job that nobody runs here, or for ever.
SLOW: Final = {"get_prediction", "get_prediction_lineage", "get_recent_predictions", "follow_job", "stream_events"}


@dataclass(frozen=True)
class Operation:
    """A method and a path of the document."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.spec["operationId"])

    @property
    def scope(self) -> Scope | None:
        return Scope(self.spec["security"][0]["HTTPBearer"][0]) if "security" in self.spec else None

    @property
    def takes_body(self) -> bool:
        """One of JSON; bytes have tests of their own."""
        return "application/json" in self.spec.get("requestBody", {}).get("content", {})

    @property
    def needs_body(self) -> bool:
        return bool(self.spec.get("requestBody", {}).get("required"))

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [one for one in self.spec.get("parameters", []) if one["in"] == place]


OPERATIONS: Final = [
    Operation(method.upper(), path, spec) for path, item in DOCUMENT["paths"].items() for method, spec in item.items()
]
WITH_PATH: Final = [one for one in OPERATIONS if one.parameters("path")]
WITH_QUERY: Final = [one for one in OPERATIONS if one.parameters("query")]
WITH_BODY: Final = [one for one in OPERATIONS if one.takes_body]
WITH_SCOPE: Final = [one for one in OPERATIONS if one.scope is not None]


def each(operations: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda one: one.name)


def path_of(operation: Operation, world: World, **instead: str) -> str:
    """The path of something that is there, or with `instead` in the place of a parameter."""
    parts = operation.path.split("/")
    for place, part in enumerate(parts):
        if part.startswith("{"):
            parts[place] = instead.get(part.strip("{}"), world.names[parts[place - 1]])
    return "/".join(parts)


def fault_of(answer: httpx.Response) -> str | None:
    """What is wrong with a refusal; None when it is as it should be."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status_code} is no problem+json: {answer.text[:200]}"
    body = answer.json()
    if not re.fullmatch("[a-z][a-z0-9_]*", body["code"]) or not body["detail"] or body["status"] != answer.status_code:
        return f"an odd problem: {body}"
    return f"a traceback: {body}" if "Traceback" in answer.text else None


def refuses(world: World, operation: Operation, cases: Iterable[tuple[object, dict[str, Any]]]) -> None:
    """Sends each case (a name for it, and what it asks) and wants a problem for it, with nothing written."""
    faults = []
    for name, asked in cases:
        url = asked.pop("url", path_of(operation, world))
        if fault := fault_of(world.client.request(operation.method, url, **asked)):
            faults.append(f"{str(name)[:80]!r}: {fault}")
    assert not faults, "\n".join(faults)
    assert world.contents() == world.built


def on_both_databases(fixture: str) -> pytest.MarkDecorator:
    databases = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
    return pytest.mark.parametrize(fixture, databases, indirect=True, scope="module")


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Built once, since nothing here may change it."""
    with build_world(*_fresh(request, tmp_path_factory)) as built:
        yield built


@pytest.fixture(scope="module")
def worn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Built once, for odd bodies of which some are taken."""
    with build_world(*_fresh(request, tmp_path_factory)) as built:
        yield built


def _fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    home: Path = tmp_path_factory.mktemp("home")
    if getattr(request, "param", "sqlite") == "postgres":
        server = request.getfixturevalue("postgres")
        return home, server.url(server.create(template=request.getfixturevalue("migrated_postgres")))
    shutil.copy(request.getfixturevalue("migrated"), home / "millrace.db")
    return home, f"sqlite:///{home}/millrace.db"


class TestToken:
    @each(WITH_SCOPE)
    def test_without_a_good_one_nothing_is_done(self, world: World, operation: Operation) -> None:
        good = world.client.headers.pop("authorization")
        try:
            cases = [(header, {"headers": {"authorization": header}}) for header in BAD_AUTHORIZATION]
            cases.append(("no header", {}))
            cases.append(("cookie", {"headers": {"cookie": "millrace_token=nope"}}))
            refuses(world, operation, cases)
            answer = world.client.request(operation.method, path_of(operation, world))
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        finally:
            world.client.headers["authorization"] = good

    @each(WITH_SCOPE)
    def test_of_too_small_a_role_is_refused(self, world: World, operation: Operation) -> None:
        for role, token in world.tokens.items():
            if operation.scope not in SCOPES[role]:
                headers = {"authorization": f"Bearer {token}"}
                answer = world.client.request(
                    operation.method, path_of(operation, world), json=BODIES.get(operation.name), headers=headers
                )
                assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


class TestPath:
    @on_both_databases("world")
    @each(WITH_PATH)
    def test_names_nothing_by_a_trick(self, world: World, operation: Operation) -> None:
        body = {"json": BODIES[operation.name]} if operation.takes_body else {}
        # A PUT whose path ends in a name makes what is not there yet.
        made = operation.path.rpartition("/")[2].strip("{}") if operation.method == "PUT" else None
        refuses(
            world,
            operation,
            [
                (f"{parameter['name']}={name}", {"url": path_of(operation, world, **{parameter["name"]: name}), **body})
                for parameter in operation.parameters("path")
                for name in NO_NAMES
                if not (parameter["name"] == made and GOOD_NAME.fullmatch(name))
            ],
        )

    @pytest.mark.parametrize("path", ["", "/", "/api", "/api/v1", "/api/v2/datasets", "/api/v1/nope", "/API/V1/jobs"])
    def test_that_is_none_is_a_problem(self, world: World, path: str) -> None:
        assert fault_of(world.client.get(path)) is None

    @pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
    def test_takes_no_other_method(self, world: World, path: str) -> None:
        known = [one for one in OPERATIONS if one.path == path]
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "NOPE"} - {one.method for one in known}:
            answer = world.client.request(method, path_of(known[0], world))
            assert fault_of(answer) is None
            assert answer.status_code == 405


class TestQuery:
    @on_both_databases("world")
    @each(WITH_QUERY)
    def test_with_a_wrong_value_is_refused_or_finds_nothing(self, world: World, operation: Operation) -> None:
        needed = {one["name"]: "1" for one in operation.parameters("query") if one.get("required")}
        for parameter in operation.parameters("query"):
            typed = "string" not in json.dumps(parameter["schema"])
            for value in [*ODD_QUERIES, *(CURSORS if parameter["name"] == "cursor" else [])]:
                asked = {**needed, parameter["name"]: value}
                answer = world.client.get(path_of(operation, world), params=asked)
                fault = fault_of(answer)
                if answer.status_code == 200 and not (typed and value in NO_NUMBERS):
                    continue
                assert fault is None, f"{parameter['name']}={value[:80]!r}: {fault}"
        assert world.contents() == world.built


class TestHeader:
    @each([one for one in WITH_BODY if any(parameter["name"] == "If-Match" for parameter in one.parameters("header"))])
    def test_if_match_of_another_revision_is_refused(self, world: World, operation: Operation) -> None:
        tags = ["", '"', '"99"', "1", 'W/"1"', '"1", "2"', "x" * 5_000, b"\xff\xb2"]
        body = BODIES[operation.name]
        refuses(world, operation, [(tag, {"headers": {"If-Match": tag}, "json": body}) for tag in tags])

    @each([one for one in OPERATIONS if any(found["name"] == "idempotency-key" for found in one.parameters("header"))])
    def test_idempotency_key_has_a_length(self, world: World, operation: Operation) -> None:
        body = {"json": BODIES[operation.name]} if operation.takes_body else {}
        refuses(world, operation, [("long", {"headers": {"Idempotency-Key": "x" * 101}, **body})])

    @each([one for one in OPERATIONS if one.name in {"follow_job", "stream_events"}])
    def test_last_event_id_is_a_number(self, world: World, operation: Operation) -> None:
        odd = ["", "x", "-1", "1.5", "1" * 30, b"\xb2", "1 1", "0x1"]
        refuses(world, operation, [(value, {"headers": {"Last-Event-ID": value}}) for value in odd])


class TestBody:
    @each(WITH_BODY)
    def test_that_is_no_object_of_its_kind_is_refused(self, world: World, operation: Operation) -> None:
        bodies = [body for body in [*NOT_JSON, *NOT_AN_OBJECT] if operation.needs_body or body not in {b"", b"null"}]
        headers = {"content-type": "application/json"}
        refuses(world, operation, [(body, {"content": body, "headers": headers}) for body in bodies])

    @pytest.mark.parametrize(
        ("gate", "where"),
        [
            ({"metric": "mae", "max": "NaN"}, "body.gates.0.max"),
            ({"metric": 7, "max": 1}, "body.gates.0.metric"),
            ({"max": 1}, "body.gates.0.metric"),
            ({"metric": "mae"}, "body.gates.0"),
            ({"metric": "mae", "metrics": 1, "max": 1}, "body.gates.0.metrics"),
        ],
    )
    def test_names_the_place_though_a_kind_is_called_as_a_field_is(
        self, world: World, gate: dict[str, Any], where: str
    ) -> None:
        body = {"gates": [{"gate": "metric", **gate}]}
        refused = world.client.put("/api/v1/models/m/policy", json=body).json()
        assert [one["where"] for one in refused["errors"]] == [where]

    @each([one for one in WITH_BODY if one.needs_body])
    def test_that_is_missing_is_refused(self, world: World, operation: Operation) -> None:
        refuses(world, operation, [("nothing", {})])

    @each(WITH_BODY)
    def test_of_another_type_is_refused(self, world: World, operation: Operation) -> None:
        good = orjson.dumps(BODIES[operation.name])
        refuses(
            world, operation, [(kind, {"content": good, "headers": {"content-type": kind}}) for kind in OTHER_TYPES]
        )

    @each(WITH_BODY)
    def test_that_is_too_large_is_refused(self, world: World, operation: Operation) -> None:
        large = b'{"name": "' + b"x" * world.runtime.settings.max_body_bytes + b'"}'
        answer = world.client.request(
            operation.method, path_of(operation, world), content=large, headers={"content-type": "application/json"}
        )
        assert fault_of(answer) is None
        assert answer.status_code == 413

    @on_both_databases("worn")
    @each(WITH_BODY)
    def test_with_one_odd_value_is_refused_or_does_no_harm(
        self, *, worn: World, operation: Operation, tmp_path: Path
    ) -> None:
        faults = []
        for place, body in broken(BODIES[operation.name]):
            answer = worn.client.request(
                operation.method, path_of(operation, worn), content=json.dumps(body), headers=JSON
            )
            if not answer.is_success and (fault := fault_of(answer)):
                faults.append(f"{place}: {fault}")
        noun = operation.path.split("/")[3]
        for read in (one for one in OPERATIONS if one.method == "GET" and one.name not in SLOW and noun in one.path):
            answer = worn.client.get(path_of(read, worn))
            if not answer.is_success and (fault := fault_of(answer)):
                faults.append(f"{read.name} afterwards: {fault}")
        assert not faults, "\n".join(faults)
        for chore in CHORES:
            cache = DatasetCache(tmp_path / "cache", 0)
            chore(Toolbox(runtime=worn.runtime, tracking=TrackingInMemory(), scratch=tmp_path, cache=cache))

"""Reports on a real database: one per job, and one look per suite unless forced."""

import httpx

from adapters.runtime import Runtime
from domain.data_checks import service
from domain.data_checks.specs import CheckSuite
from domain.datasets.queries import get_version
from tests.conftest import Drain, SteppingClock


def start(runtime: Runtime, *, force: bool) -> None:
    with runtime.transaction() as session:
        service.start(session, version=get_version(session, "a", 1), force=force)


def test_a_suite_sees_a_version_once_unless_forced(client: httpx.Client, runtime: Runtime, drain: Drain) -> None:
    client.post("datasets", json={"name": "a"})
    client.post("datasets/a/versions", files=[("files", ("a.csv", b"a\n1\n"))])
    start(runtime, force=False)
    reports = [(job.result or {})["report_id"] for job in drain() if job.kind == "RunDataChecks"]
    assert len(reports) == 2
    assert len(set(reports)) == 1
    start(runtime, force=True)
    assert (drain()[0].result or {})["report_id"] not in reports


def test_a_job_records_once(client: httpx.Client, runtime: Runtime) -> None:
    client.post("datasets", json={"name": "a"})
    version = client.post("datasets/a/versions", files=[("files", ("a.csv", b"a\n1\n"))]).json()
    reports = set()
    for _ in range(2):
        with runtime.transaction() as session:
            report = service.record(
                session, version_id=version["id"], job_id="j", suite=CheckSuite(), results=[], profile=None
            )
            reports.add(report.id)
    assert len(reports) == 1
    assert len(client.get("events", params={"type": "DataChecksRecorded"}).json()["items"]) == 1


def test_a_version_whose_checks_were_cancelled_is_rejected(client: httpx.Client, runtime: Runtime) -> None:
    client.post("datasets", json={"name": "a"})
    client.post("datasets/a/versions", files=[("files", ("a.csv", b"a\n1\n"))])
    (job,) = client.get("jobs", params={"kind": "RunDataChecks"}).json()["items"]
    client.post(f"jobs/{job['id']}/cancel")
    version = client.get("datasets/a/versions/1").json()
    assert version["state"] == "rejected"
    assert version["reasons"] == ["It could not be checked: asked by a person"]


def test_checks_that_cannot_run_reject_the_version_until_they_can(
    client: httpx.Client, runtime: Runtime, clock: SteppingClock, drain: Drain
) -> None:
    client.post("datasets", json={"name": "a"})
    client.post("datasets/a/versions", files=[("files", ("a.csv", b"a\n1\n"))])
    (pack,) = runtime.data.list("packs")
    place = runtime.data.local_path(pack.key)
    assert place is not None
    away = place.rename(place.with_suffix(".away"))
    for _ in range(3):
        drain()
        clock.advance(600)
    assert client.get("datasets/a/versions/1").json()["state"] == "rejected"
    away.rename(place)
    client.post("datasets/a/versions/1/checks")
    drain()
    assert client.get("datasets/a/versions/1").json()["state"] == "validated"

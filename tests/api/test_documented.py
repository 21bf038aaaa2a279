"""What every test of the API leans on: a problem that the description does not have is told."""

import httpx
import pytest

from tests.documented import undocumented


def told(method: str, path: str, status: int, code: str) -> str | None:
    request = httpx.Request(method, f"http://millrace{path}")
    answer = httpx.Response(status, json={"code": code}, headers={"content-type": "application/problem+json"})
    return undocumented(request, answer)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/datasets/bikes", 404, "unknown_run"),
        ("GET", "/api/v1/datasets/bikes", 409, "unknown_dataset"),
        ("POST", "/api/v1/datasets?limit=1", 404, "unknown_dataset"),
        ("GET", "/api/v1/datasets/bikes/versions/1/content/a/b.csv", 404, "unknown_run"),
        ("GET", "/api/v1/runs/compare", 409, "conflict"),
    ],
)
def test_a_problem_that_is_not_described_is_told(method: str, path: str, status: int, code: str) -> None:
    assert f" answers {status} {code}" in str(told(method, path, status, code))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/datasets/bikes", 404, "unknown_dataset"),
        ("GET", "/api/v1/runs/compare", 422, "bad_comparison"),  # no `/runs/{run_id}`
        ("GET", "/api/v1/datasets/bikes/versions/1/content/a/b.csv", 404, "unknown_dataset_file"),
        ("GET", "/api/v1/datasets/..%2fbikes", 404, "not_found"),  # no operation is there
        ("PUT", "/api/v1/datasets/bikes", 405, "method_not_allowed"),
        ("GET", "/dvc/bikes/files/md5/ab/cd", 404, "unknown_object"),  # DVC's own protocol is not described
    ],
)
def test_others_are_not(method: str, path: str, status: int, code: str) -> None:
    assert told(method, path, status, code) is None

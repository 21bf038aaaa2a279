"""What tests of the API ask again and again."""

from typing import Any

import httpx


def put_version(client: httpx.Client, name: str, data: bytes, file: str = "people.csv") -> dict[str, Any]:
    client.post("datasets", json={"name": name})
    answer = client.post(f"datasets/{name}/versions", files=[("files", (file, data))])
    assert answer.status_code in {200, 201}, answer.text
    version: dict[str, Any] = answer.json()
    return version


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of an answer that refuses as it should."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return body

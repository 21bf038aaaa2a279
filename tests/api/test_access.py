"""Tokens by HTTP."""

import httpx
import pytest


class TestCreateToken:
    @pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "1970-01-01T00:00:00+14:00"])
    def test_refuses_one_that_has_expired_already(self, client: httpx.Client, when: str) -> None:
        answer = client.post("tokens", json={"name": "late", "role": "viewer", "expires_at": when})
        assert (answer.status_code, answer.json()["code"], answer.json()["where"]) == (
            422, "already_expired", "expires_at"
        )  # fmt: skip
        assert [one["name"] for one in client.get("tokens").json()["items"]] == ["admin"]

"""`POST /hooks/git/{provider}`: what a forge sends is taken once, if it proves that it knows the secret."""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from adapters.runtime import Runtime
from domain.events.models import EventRow
from domain.jobs.models import Job
from domain.repositories.models import HookDelivery
from tests.conftest import ON_BOTH_DATABASES, SteppingClock

ADDRESS = "https://forge.example/team/data.git"
PUSH = {
    "ref": "refs/heads/main",
    "after": "1" * 40,
    "repository": {"clone_url": ADDRESS, "ssh_url": "git@forge.example:team/data.git"},
}
GITLAB_PUSH = {"object_kind": "push", "project": {"git_http_url": ADDRESS, "web_url": ADDRESS.removesuffix(".git")}}

Send = Callable[..., httpx.Response]


@pytest.fixture
def secret(client: httpx.Client) -> str:
    answer = client.post("repositories", json={"name": "team", "address": ADDRESS})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


@pytest.fixture
def github(client: httpx.Client, secret: str) -> Send:
    """Sends a body as GitHub does; `key` signs it, headers may be changed."""

    def send(body: Any = PUSH, *, key: str = secret, delivery: str = "d-1", **headers: str) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = "sha256=" + hmac.new(key.encode(), raw, sha256).hexdigest()
        sent = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": delivery, "X-GitHub-Event": "push"}
        sent |= {"Content-Type": "application/json", "Authorization": ""}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        return client.post("http://millrace/hooks/git/github", content=raw, headers=sent)

    return send


def syncs(runtime: Runtime) -> list[str]:
    with runtime.reading() as session:
        query = select(Job.state).where(Job.kind == "SyncRepository").order_by(Job.id)
        return [str(state) for state in session.scalars(query)]


def rows(runtime: Runtime) -> tuple[int, ...]:
    with runtime.reading() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(one)) or 0 for one in (Job, EventRow, HookDelivery)
        )


class TestGithub:
    def test_a_push_queues_a_sync(self, runtime: Runtime, github: Send) -> None:
        answer = github()
        assert (answer.status_code, answer.json()["status"]) == (202, "queued")
        assert syncs(runtime) == ["queued"]
        with runtime.reading() as session:
            assert session.scalar(select(Job.id).where(Job.kind == "SyncRepository")) == answer.json()["job_id"]

    def test_a_form_is_taken_as_well(self, github: Send) -> None:
        body = httpx.QueryParams({"payload": json.dumps(PUSH)})
        answer = github(str(body).encode(), Content_Type="application/x-www-form-urlencoded")
        assert answer.status_code == 202

    @pytest.mark.parametrize(
        "headers",
        [
            {"key": "another secret"},
            {"X_Hub_Signature_256": "sha256=" + "0" * 64},
            {"X_Hub_Signature_256": "sha1=" + "0" * 40},
            {"X_Hub_Signature_256": ""},
            {"X_Hub_Signature_256": b"\xff\xb2"},
        ],
    )
    def test_without_a_good_signature_nothing_is_done(
        self, runtime: Runtime, github: Send, headers: dict[str, Any]
    ) -> None:
        before = rows(runtime)
        answer = github(**headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
        assert rows(runtime) == before

    def test_one_changed_byte_is_refused(self, client: httpx.Client, github: Send, secret: str) -> None:
        raw = json.dumps(PUSH).encode()
        signature = "sha256=" + hmac.new(secret.encode(), raw, sha256).hexdigest()
        answer = github(raw.replace(b"main", b"mane"), X_Hub_Signature_256=signature)
        assert answer.status_code == 403

    def test_a_repository_that_is_not_registered_is_not_found_and_nothing_is_told(self, github: Send) -> None:
        answer = github({"repository": {"clone_url": "https://forge.example/team/date.git"}})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_repository")
        assert "data" not in answer.text
        assert "fix" not in answer.json()

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"7", b'{"repository": 7}', b'{"repository": {"clone_url": 7}}']
    )
    def test_a_body_that_names_no_repository_is_refused(self, github: Send, body: bytes) -> None:
        assert github(body).status_code in {404, 422}

    def test_a_ping_is_acknowledged(self, runtime: Runtime, github: Send) -> None:
        before = rows(runtime)
        answer = github(X_GitHub_Event="ping")
        assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "reason": "ping is not a push"})
        assert rows(runtime) == before

    @pytest.mark.parametrize("delivery", ["d-1", "d-2"], ids=["the same id", "another id for the same signed body"])
    def test_a_replay_does_nothing(self, runtime: Runtime, github: Send, delivery: str) -> None:
        github()
        before = rows(runtime)
        answer = github(delivery=delivery)
        assert (answer.status_code, answer.json()["reason"]) == (200, "this delivery was taken before")
        assert rows(runtime) == before

    def test_deliveries_are_forgotten_after_a_month(self, runtime: Runtime, github: Send, clock: SteppingClock) -> None:
        github()
        clock.advance(31 * 86_400)
        github(PUSH | {"after": "2" * 40}, delivery="d-2")
        with runtime.reading() as session:
            assert list(session.scalars(select(HookDelivery.delivery))) == ["d-2"]

    def test_a_body_that_is_too_large_is_refused(self, runtime: Runtime, github: Send) -> None:
        answer = github(b" " * (runtime.settings.max_body_bytes + 1))
        assert answer.status_code == 413

    def test_the_secret_is_in_no_answer_event_or_log(self, client: httpx.Client, github: Send, secret: str) -> None:
        with capture_logs() as logs:
            github()
            github(key="another")
            told = [client.get(path).text for path in ("repositories", "repositories/team", "events", "jobs")]
        assert secret not in "".join(told) + str(logs)

    def test_a_renewed_secret_takes_the_place_of_the_old_one(self, client: httpx.Client, github: Send) -> None:
        new = client.post("repositories/team/secret").json()["secret"]
        assert github().status_code == 403
        assert github(key=new).status_code == 202


class TestGitlab:
    @pytest.fixture
    def gitlab(self, client: httpx.Client) -> Send:
        def send(body: Any = GITLAB_PUSH, **headers: str) -> httpx.Response:
            sent = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "u-1", "Content-Type": "application/json"}
            sent |= {name.replace("_", "-"): value for name, value in headers.items()}
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return client.post("http://millrace/hooks/git/gitlab", content=raw, headers=sent)

        return send

    def test_a_token_is_compared(self, runtime: Runtime, gitlab: Send, secret: str) -> None:
        assert gitlab(X_Gitlab_Token=secret[:-1]).status_code == 403
        assert gitlab().status_code == 403
        assert gitlab(X_Gitlab_Token=secret).status_code == 202
        assert gitlab(X_Gitlab_Token=secret).status_code == 200  # a replay
        assert gitlab(X_Gitlab_Token=secret, X_Gitlab_Event_UUID="u-2").status_code == 202
        assert gitlab(X_Gitlab_Token=secret, X_Gitlab_Event="Tag Push Hook").json()["status"] == "ignored"

    def test_a_signature_is_verified_and_good_for_five_minutes(
        self, gitlab: Send, secret: str, clock: SteppingClock
    ) -> None:
        raw, at = json.dumps(GITLAB_PUSH).encode(), str(int(clock().timestamp()))

        def sign(id_: str, at: str) -> dict[str, str]:
            signed = f"{id_}.{at}.".encode() + raw
            value = b64encode(hmac.new(b64decode(secret.removeprefix("whsec_")), signed, sha256).digest()).decode()
            return {"webhook_id": id_, "webhook_timestamp": at, "webhook_signature": f"v1,AAAA v1,{value}"}

        assert gitlab(raw, **sign("w-1", at)).status_code == 202
        assert gitlab(raw, **sign("w-1", at)).status_code == 200
        assert gitlab(raw, **sign("w-2", at) | {"webhook_id": "w-3"}).status_code == 403
        assert gitlab(raw, **sign("w-4", str(int(at) - 400))).status_code == 403
        # A token does not rescue a bad signature.
        assert (
            gitlab(raw, **sign("w-5", at) | {"webhook_signature": "v1,AAAA"}, X_Gitlab_Token=secret).status_code == 403
        )


class TestStorm:
    @ON_BOTH_DATABASES
    def test_five_hundred_deliveries_are_one_queued_sync(self, runtime: Runtime, github: Send) -> None:
        for number in range(500):
            assert github(PUSH | {"after": f"{number:040x}"}, delivery=f"d-{number}").status_code == 202
        assert syncs(runtime) == ["queued"]

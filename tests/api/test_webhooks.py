"""Webhooks through the API, the jobs and a real receiver."""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from adapters.runtime import Runtime
from adapters.webhooks import send
from domain.datasets.events import DatasetCreated
from domain.events.models import EventRow
from domain.events.service import emit
from domain.jobs.models import Job
from tests.api.answers import refused
from tests.api.receiver import Receiver, receiver
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
from workers.handlers.webhooks import forget_old_deliveries
from workers.toolbox import Toolbox


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as open_one:
        yield open_one


def create(client: httpx.Client, url: str, **more: Any) -> dict[str, Any]:
    answer = client.post("webhooks", json={"name": "chat", "url": url, "types": ["DatasetCreated"], **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def happen(client: httpx.Client, name: str) -> None:
    assert client.post("datasets", json={"name": name}).status_code == 201


def deliveries(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    return list(client.get("webhooks/chat/deliveries", params=query).json()["items"])


def verified(secret: str, headers: dict[str, str], body: str) -> bool:
    """As the how-to tells receivers to."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    wanted = b64encode(hmac.new(b64decode(secret.removeprefix("whsec_")), signed, sha256).digest()).decode()
    return any(hmac.compare_digest(one, f"v1,{wanted}") for one in headers["webhook-signature"].split())


@ON_BOTH_DATABASES
class TestDelivery:
    def test_what_happens_is_told_signed(self, client: httpx.Client, told: Receiver, drain: Drain) -> None:
        webhook = create(client, told.url, subject="datasets")
        happen(client, "bikes")
        client.post("experiments", json={"name": "e"})
        drain()
        ((headers, body),) = told.told
        assert verified(webhook["secret"], headers, body)
        event = json.loads(body)
        assert (event["type"], event["data"]["subject"]) == ("DatasetCreated", "datasets/bikes")
        assert event["data"]["payload"] == {"name": "bikes"}
        assert headers["host"] == told.url.split("/")[2]
        (delivery,) = deliveries(client)
        assert (delivery["state"], delivery["attempts"][0]["status"], delivery["id"]) == (
            "delivered", 204, headers["webhook-id"],
        )  # fmt: skip

    def test_is_part_of_the_commit_of_its_event(self, client: httpx.Client, told: Receiver, runtime: Runtime) -> None:
        create(client, told.url)

        def fail_after_telling() -> None:
            with runtime.transaction() as session:
                emit(session, DatasetCreated(subject="datasets/a", name="a"))
                raise ConnectionError

        with pytest.raises(ConnectionError):
            fail_after_telling()
        assert deliveries(client) == []
        with runtime.transaction() as session:
            emit(session, DatasetCreated(subject="datasets/a", name="a"))
        (delivery,) = deliveries(client, state="pending")
        assert client.get(f"jobs/{delivery['job_id']}").json()["kind"] == "DeliverWebhook"

    def test_of_everything_does_not_tell_of_itself(self, client: httpx.Client, told: Receiver, drain: Drain) -> None:
        drain()  # what beginning left to be done
        create(client, told.url, types=[])
        happen(client, "bikes")
        for _ in range(3):
            drain()
        assert [json.loads(body)["type"] for _, body in told.told] == ["DatasetCreated"]

    def test_that_is_not_taken_is_tried_again_and_says_what_was_answered(
        self, client: httpx.Client, told: Receiver, drain: Drain, clock: SteppingClock
    ) -> None:
        create(client, told.url)
        told.status, told.answer = 500, b"no\x00" + b"x" * 5_000
        happen(client, "bikes")
        drain()
        told.status = 200
        clock.advance(10)
        drain()
        (delivery,) = deliveries(client)
        first, second = delivery["attempts"]
        assert (first["status"], len(first["answer"]), second["status"]) == (500, 1024, 200)
        assert delivery["state"] == "delivered"
        assert told.told[0][0]["webhook-id"] == told.told[1][0]["webhook-id"]

    def test_is_sent_again_under_its_id_when_asked(self, client: httpx.Client, told: Receiver, drain: Drain) -> None:
        create(client, told.url)
        happen(client, "bikes")
        refused(client.post(f"webhook-deliveries/{deliveries(client)[0]['id']}/redeliver"), 409, "wrong_delivery_state")
        drain()
        (delivery,) = deliveries(client)
        again = client.post(f"webhook-deliveries/{delivery['id']}/redeliver")
        assert (again.status_code, again.json()["asked_by"]) == (202, "admin")
        drain()
        (first, body), (second, same) = told.told
        assert (first["webhook-id"], body) == (second["webhook-id"], same)
        assert client.get(f"webhook-deliveries/{delivery['id']}").json()["body"] == body


class TestTurningOff:
    def test_after_five_failures_in_a_row_and_says_so(
        self, client: httpx.Client, told: Receiver, drain: Drain, runtime: Runtime
    ) -> None:
        create(client, told.url)
        told.status, told.answer = 503, b"down"
        for number in range(6):
            happen(client, f"d{number}")
        with runtime.transaction() as session:
            for job in session.scalars(select(Job).where(Job.kind == "DeliverWebhook")):
                job.max_attempts = 1
        drain()
        webhook = client.get("webhooks/chat").json()
        assert (webhook["active"], webhook["failures"]) == (False, 5)
        assert webhook["off_because"].endswith("The receiver answered 503.")
        assert len(told.told) == 5  # the sixth was not sent any more
        assert {one["state"] for one in deliveries(client)} == {"failed"}
        assert len(client.get("events", params={"type": "WebhookTurnedOff"}).json()["items"]) == 1
        happen(client, "later")
        assert len(deliveries(client)) == 6
        on = client.patch("webhooks/chat", json={"active": True}).json()
        assert (on["active"], on["failures"], on["off_because"]) == (True, 0, None)
        happen(client, "again")
        assert len(deliveries(client)) == 7

    def test_does_not_keep_a_person_from_trying(self, client: httpx.Client, told: Receiver, drain: Drain) -> None:
        create(client, told.url, active=False)
        happen(client, "bikes")
        answer = client.post("webhooks/chat/test")
        assert (answer.status_code, answer.headers["location"]) == (
            202, f"/api/v1/webhook-deliveries/{answer.json()['id']}",
        )  # fmt: skip
        drain()
        assert [json.loads(body)["type"] for _, body in told.told] == ["WebhookTest"]


class TestSecret:
    def test_is_shown_once_and_is_nowhere_else(
        self, client: httpx.Client, told: Receiver, drain: Drain, runtime: Runtime
    ) -> None:
        secret = create(client, told.url)["secret"]
        happen(client, "bikes")
        drain()
        for path in ("webhooks", "webhooks/chat", "webhooks/chat/deliveries", "jobs", "events"):
            assert secret not in client.get(path).text
        with runtime.reading() as session:
            rows = [*session.scalars(select(EventRow)), *session.scalars(select(Job))]
            assert not any("s3cret-path" in f"{row.subject}{row.payload}" for row in rows)

    def test_that_is_renewed_signs_from_now_on(self, client: httpx.Client, told: Receiver, drain: Drain) -> None:
        old = create(client, told.url)["secret"]
        happen(client, "bikes")
        new = client.post("webhooks/chat/secret").json()["secret"]
        drain()
        ((headers, body),) = told.told
        assert (verified(new, headers, body), verified(old, headers, body)) == (True, False)


class TestChange:
    def test_sets_what_is_given_and_nothing_else(self, client: httpx.Client, told: Receiver) -> None:
        create(client, told.url, subject="datasets")
        changed = client.patch("webhooks/chat", json={"subject": None, "active": False}, headers={"If-Match": '"1"'})
        assert (changed.json()["subject"], changed.json()["types"], changed.json()["active"]) == (
            None, ["DatasetCreated"], False,
        )  # fmt: skip
        assert changed.headers["etag"] == '"2"'
        refused(client.patch("webhooks/chat", json={"active": True}, headers={"If-Match": '"1"'}), 412, "stale")

    def test_that_deletes_it_sends_nothing_any_more(self, client: httpx.Client, told: Receiver, drain: Drain) -> None:
        create(client, told.url)
        happen(client, "bikes")
        assert client.delete("webhooks/chat").status_code == 204
        drain()
        assert told.told == []
        refused(client.get("webhooks/chat"), 404, "unknown_webhook")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"url": "ftp://a"}, "bad_webhook_url"),
            ({"url": "http://169.254.169.254/latest/meta-data"}, "webhook_address_refused"),
            ({"types": ["DatasetCraeted"]}, "unknown_event_type"),
            ({"subject": "a/"}, "invalid_request"),
            ({"secret": "mine"}, "invalid_request"),
        ],
    )
    def test_to_something_odd_is_refused(self, client: httpx.Client, body: dict[str, object], code: str) -> None:
        refused(client.post("webhooks", json={"name": "new", "url": "http://a.example", **body}), 422, code)
        create(client, "http://a.example")
        refused(client.patch("webhooks/chat", json=body), 422, code)

    def test_a_name_is_taken_once_and_there_is_an_end(self, client: httpx.Client) -> None:
        create(client, "http://a.example")
        refused(client.post("webhooks", json={"name": "chat", "url": "http://a.example"}), 409, "webhook_exists")
        for number in range(49):
            client.post("webhooks", json={"name": f"w{number}", "url": "http://a.example"})
        refused(client.post("webhooks", json={"name": "more", "url": "http://a.example"}), 409, "too_many_webhooks")


def test_old_deliveries_are_forgotten(
    client: httpx.Client, told: Receiver, drain: Drain, tools: Toolbox, clock: SteppingClock
) -> None:
    create(client, told.url)
    happen(client, "bikes")
    drain()
    clock.advance(29 * 86_400)
    forget_old_deliveries(tools)
    assert len(deliveries(client)) == 1
    clock.advance(2 * 86_400)
    forget_old_deliveries(tools)
    assert deliveries(client) == []


class TestSend:
    def test_follows_no_redirect(self, told: Receiver) -> None:
        told.status, told.headers = 302, {"Location": told.url}
        attempt = send(told.url, {}, "{}", private=True)
        assert (attempt.status, attempt.delivered, len(told.told)) == (302, False, 1)

    def test_looks_the_name_up_before_it_connects(self, told: Receiver) -> None:
        attempt = send(told.url, {}, "{}", private=False)
        assert (attempt.status, attempt.error, told.told) == (None, "The receiver is in a private network.", [])

    @pytest.mark.parametrize(
        "url", ["http://localhost:9/s3cret", "http://nowhere.invalid/s3cret", "http://169.254.169.254/s3cret"]
    )
    def test_says_what_went_wrong_without_the_url(self, url: str) -> None:
        attempt = send(url, {}, "{}", private=True)
        assert (attempt.status, attempt.answer) == (None, "")
        assert attempt.error
        assert "s3cret" not in attempt.error


def test_an_installation_may_refuse_its_own_network(
    client: httpx.Client, told: Receiver, drain: Drain, tools: Toolbox
) -> None:
    create(client, told.url)
    happen(client, "bikes")
    settings = tools.runtime.settings.model_copy(update={"webhooks_private": False})
    object.__setattr__(tools, "runtime", replace(tools.runtime, settings=settings))
    drain()
    assert told.told == []
    assert deliveries(client)[0]["attempts"][0]["error"] == "The receiver is in a private network."

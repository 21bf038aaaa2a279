"""Which events are told, and how what is told is signed."""

from base64 import b64decode

import pytest

from domain.datasets.events import DatasetCreated
from domain.jobs.events import JobFailed
from domain.webhooks.events import WebhookDeleted
from domain.webhooks.matching import is_told, matches
from domain.webhooks.signing import headers_of, new_secret
from domain.webhooks.states import MOVES, DeliveryState, may_move

EVENT = DatasetCreated(subject="datasets/bikes", name="bikes")


@pytest.mark.parametrize(
    ("types", "subject", "wanted"),
    [
        ([], None, True),
        (["DatasetCreated", "RunFailed"], None, True),
        (["RunFailed"], None, False),
        ([], "datasets", True),
        ([], "datasets/bikes", True),
        ([], "datasets/bike", False),
        ([], "datasets/bikes/versions", False),
        (["RunFailed"], "datasets", False),
    ],
)
def test_type_and_subject_both_have_to_fit(types: list[str], subject: str | None, wanted: bool) -> None:
    assert matches(EVENT, types=types, subject=subject) is wanted


def test_nothing_that_webhooks_do_is_told() -> None:
    assert is_told(EVENT)
    assert is_told(JobFailed(subject="runs/1", job_id="1", kind="TrainModel", reason="x"))
    assert not is_told(WebhookDeleted(subject="webhooks/a", name="a"))
    assert not is_told(JobFailed(subject="webhook-deliveries/1", job_id="1", kind="DeliverWebhook", reason="x"))


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the Standard Webhooks specification's reference libraries.
    headers = headers_of(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        '{"test": 2432232314}',
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        at=1614265330,
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330")


def test_secrets_differ_and_have_32_bytes() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(b64decode(first.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize("old", DeliveryState)
@pytest.mark.parametrize("new", DeliveryState)
def test_a_delivery_ends_once_and_begins_again_when_asked(old: DeliveryState, new: DeliveryState) -> None:
    assert may_move(old, new) is (new in MOVES[old])
    assert may_move(old, new) is ((old == DeliveryState.PENDING) != (new == DeliveryState.PENDING))

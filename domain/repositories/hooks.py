"""Webhooks of forges: is this delivery from whom it says, about which repository, and about a push? Pure functions."""

import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes
from typing import Any

from domain.errors import Forbidden, Invalid
from domain.repositories.addresses import key_of

SECRET_PREFIX = "whsec_"  # noqa: S105  # how such a secret begins
# As far as the Standard Webhooks specification lets clocks be apart.
CLOCK_SECONDS = 300
_DELIVERY = re.compile(r"[\x21-\x7e]{1,200}")


class Provider(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"


class BadSignature(Forbidden):
    """The delivery does not prove that it comes from who knows the repository's secret."""

    code = "bad_signature"


class BadDelivery(Invalid):
    """The body or the headers are not those of a forge's webhook."""

    code = "bad_delivery"


@dataclass(frozen=True)
class Delivery:
    """What a forge sent, as it arrived. Header names are in lower case."""

    provider: Provider
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str | None:
        """The forge's own id of the delivery, the same when it sends it again."""
        names = {
            Provider.GITHUB: ("x-github-delivery",),
            Provider.GITLAB: ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
        }[self.provider]
        found = next((self.headers[name] for name in names if name in self.headers), None)
        return found if found is not None and _DELIVERY.fullmatch(found) else None

    @property
    def event(self) -> str:
        return self.headers.get(f"x-{self.provider}-event", "").lower()

    @property
    def is_push(self) -> bool:
        """Whether a branch moved: pushes, also those that delete one."""
        return self.event in {"push", "push hook"}


def new_secret() -> str:
    """A secret for all three ways: GitHub's, GitLab's token, and GitLab's signing token (Standard Webhooks)."""
    return SECRET_PREFIX + b64encode(token_bytes(32)).decode()


def refuse_unsigned(delivery: Delivery) -> None:
    """Say no to what carries no proof at all, before anything is looked up for it."""
    proofs = {
        Provider.GITHUB: ("x-hub-signature-256",),
        Provider.GITLAB: ("webhook-signature", "x-gitlab-token"),
    }[delivery.provider]
    if not any(name in delivery.headers for name in proofs):
        raise _bad(f"The delivery has no {' or '.join(proofs)} header.")


def verify(delivery: Delivery, secret: str, *, now: float) -> None:
    """Compare the proof with what `secret` makes of the raw body, in constant time; `BadSignature` otherwise.

    A signature counts before a token. GitLab's signs id, time and body, and is good for five minutes.
    """
    headers = delivery.headers
    if delivery.provider == Provider.GITHUB:
        wanted = "sha256=" + hmac.new(secret.encode(), delivery.body, sha256).hexdigest()
        good = _same(headers.get("x-hub-signature-256", ""), wanted)
    elif "webhook-signature" in headers:
        sent_at = headers.get("webhook-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", sent_at) or abs(now - int(sent_at)) > CLOCK_SECONDS:
            raise _bad("The delivery's timestamp is not of now.")
        signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + delivery.body
        wanted = "v1," + b64encode(hmac.new(_key(secret), signed, sha256).digest()).decode()
        good = any(_same(one, wanted) for one in headers["webhook-signature"].split()[:10])
    else:
        good = _same(headers.get("x-gitlab-token", ""), secret)
    if not good:
        raise _bad("The signature does not fit the secret of this repository.")


def keys_of(payload: Any) -> set[str]:
    """The keys of the repository that a payload is about, from every address it gives for it."""
    return {key for address in _addresses(payload) if (key := key_of(address)) is not None}


def _addresses(payload: Any) -> Iterator[str]:
    if not isinstance(payload, dict):
        return
    for part in ("repository", "project"):
        described = payload.get(part)
        if isinstance(described, dict):
            for name in ("clone_url", "ssh_url", "html_url", "git_http_url", "git_ssh_url", "web_url", "homepage"):
                if isinstance(described.get(name), str):
                    yield described[name]


def _bad(message: str) -> BadSignature:
    return BadSignature(message, where="headers", fix="Give the webhook the secret that `millrace repos add` showed.")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _key(secret: str) -> bytes:
    try:
        return b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except Base64Error:
        return secret.encode()

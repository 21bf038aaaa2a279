"""How deliveries are signed: Standard Webhooks (standardwebhooks.com), symmetric, so that its libraries verify it."""

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from secrets import token_bytes

SECRET_PREFIX = "whsec_"  # noqa: S105 - how such a secret begins


def new_secret() -> str:
    """32 random bytes, as the specification writes them."""
    return SECRET_PREFIX + b64encode(token_bytes(32)).decode()


def headers_of(delivery_id: str, body: str, *, secret: str, at: int) -> dict[str, str]:
    """The three headers: the id, which stays the same however often it is sent; Unix seconds; and the signature."""
    signed = f"{delivery_id}.{at}.{body}".encode()
    digest = hmac.new(b64decode(secret.removeprefix(SECRET_PREFIX)), signed, sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }

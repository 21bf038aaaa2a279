"""Who may use an endpoint: anybody, or who bears a token with the predict scope. Called by the router."""

from functools import lru_cache
from hashlib import sha256

from serving.errors import TokenMissing, TokenUnknown
from serving.requests import Headers
from serving.table import Endpoint, RouteTable


def authorised(table: RouteTable, name: str, headers: Headers) -> Endpoint:
    """The endpoint, if the caller may use it. Strangers are not told the names of private ones."""
    endpoint = table.endpoint(name)
    if endpoint is not None and endpoint.settings.visibility == "public":
        return endpoint
    scheme, _, token = headers.get(b"authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        if endpoint is None:
            raise table.missing(name, only_public=True)
        raise TokenMissing(
            f"Endpoint {name!r} is private.", where="Authorization", fix="Send Authorization: Bearer TOKEN."
        )
    known = table.knows_token(_digest(token.strip()))
    if endpoint is None:
        raise table.missing(name, only_public=not known)
    if not known:
        raise TokenUnknown(
            "This token may not predict.", where="Authorization", fix="Use a token with the predict scope."
        )
    return endpoint


@lru_cache(maxsize=1024)
def _digest(token: str) -> str:
    """Remembered for callers who come again: between two runs of a model it is a tenth of a small request."""
    return sha256(token.encode()).hexdigest()

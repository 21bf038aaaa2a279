"""Who may use an endpoint, and how often: anybody, callers nearby, or who bears a token with the predict scope."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from domain.access.origins import COOKIE, is_same_origin
from serving.errors import NotInternal, RateLimited, TokenMissing, TokenUnknown
from serving.rates import Rates
from serving.requests import Headers
from serving.table import Endpoint, RouteTable

Network = IPv4Network | IPv6Network
# With the dashboard's session its "Try it" asks.
_SESSION = f"{COOKIE}="
# For each caller of a public endpoint whose settings name no rate.
_PUBLIC_PER_SECOND = 50.0


class Access:
    """Lets callers in by visibility, token, address and rate.

    The address is the one of the connection; behind a proxy, the one that uvicorn has taken from the headers of a
    proxy that it trusts (`FORWARDED_ALLOW_IPS`). A caller on a Unix socket has none, and is a stranger.
    """

    def __init__(self, table: RouteTable, internal: Sequence[Network], rates: Rates) -> None:
        self._table = table
        self._rates = rates
        self._internal: Callable[[str], bool] = lru_cache(4096)(lambda address: _within(address, internal))

    def admitted(self, name: str, headers: Headers, scope: Scope) -> Endpoint:
        """The endpoint, if the caller may use it now. Raises as `authorised`, and RateLimited."""
        endpoint, token = self._looked_up(name, headers, scope)
        per_second = endpoint.settings.requests_per_second
        if per_second is None:
            if endpoint.settings.visibility != "public":
                return endpoint
            per_second = _PUBLIC_PER_SECOND
        caller = token or self._known_token(headers) or _network_of(_address(scope))
        wait = self._rates.wait_seconds(name, caller, per_second)
        if wait:
            raise RateLimited(
                f"Endpoint {name!r} takes {per_second:g} requests per second from each caller.",
                fix=f"Try again in {wait:.3g} seconds.",
                retry_after_seconds=math.ceil(wait),
            )
        return endpoint

    def authorised(self, name: str, headers: Headers, scope: Scope) -> Endpoint:
        """The endpoint, if the caller may use it. Strangers are not told the names of private ones.

        Raises NotFound, TokenMissing, TokenUnknown or NotInternal.
        """
        return self._looked_up(name, headers, scope)[0]

    def _looked_up(self, name: str, headers: Headers, scope: Scope) -> tuple[Endpoint, str]:
        """With the endpoint the hash of the token, where one was needed."""
        endpoint = self._table.endpoint(name)
        if endpoint is not None and endpoint.settings.visibility == "public":
            return endpoint, ""
        if endpoint is not None and endpoint.settings.visibility == "internal":
            if not self._internal(_address(scope)):
                raise NotInternal(
                    f"Endpoint {name!r} answers callers of its own networks only.",
                    where="address",
                    fix="Call it from inside, or let an admin change MILLRACE_INTERNAL_NETWORKS or its visibility.",
                )
            return endpoint, ""
        token = _token_of(headers)
        if not token:
            if endpoint is None:
                raise self._table.missing(name, only_public=True)
            raise TokenMissing(
                f"Endpoint {name!r} is private.", where="Authorization", fix="Send Authorization: Bearer TOKEN."
            )
        known = self._table.knows_token(token)
        if endpoint is None:
            raise self._table.missing(name, only_public=not known)
        if not known:
            raise TokenUnknown(
                "This token may not predict.", where="Authorization", fix="Use a token with the predict scope."
            )
        return endpoint, token

    def _known_token(self, headers: Headers) -> str:
        """Only a token that exists is a caller of its own: else each request could invent one."""
        token = _token_of(headers)
        return token if token and self._table.knows_token(token) else ""


def _token_of(headers: Headers) -> str:
    """The hash of the bearer token; without an Authorization that of the session, for our own pages; or nothing."""
    authorization = headers.get(b"authorization")
    if authorization or not (cookie := headers.get(b"cookie")):
        return _hash_of(authorization)
    cookies = (one.strip() for one in cookie.split(";"))
    secret = next((one.removeprefix(_SESSION) for one in cookies if one.startswith(_SESSION)), "")
    site, origin, host = (headers.get(name) for name in (b"sec-fetch-site", b"origin", b"host"))
    return _hash_of(f"Bearer {secret}") if is_same_origin(fetch_site=site, origin=origin, host=host) else ""


@lru_cache(maxsize=1024)
def _hash_of(authorization: str) -> str:
    """Remembered for callers who come again: between two runs of a model it is a tenth of a small request."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return ""
    return sha256(token.strip().encode()).hexdigest()


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def _network_of(address: str) -> str:
    """Whom an address stands for: with IPv6 one caller has a whole /64 to choose from."""
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address)
    except ValueError:
        return address
    return str(found.ipv4_mapped or IPv6Network((int(found) >> 64 << 64, 64)))

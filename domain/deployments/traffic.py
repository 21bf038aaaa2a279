"""Which live target answers a request: weighted by share, sticky by a key. Pure; serving and simulations call it."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar

from domain.deployments.specs import Target


class Weighted(Protocol):
    """Anything that takes a share of the traffic."""

    @property
    def share(self) -> float: ...


Choice = TypeVar("Choice", bound=Weighted)

_UNIT = 2.0**-64


def live_targets(targets: Iterable[Target]) -> list[Target]:
    """The targets that may answer, oldest version first.

    The order is fixed by version, so that when a canary grows from 10 to 25 % the keys
    it already answered for stay with it (the new version owns the end of the unit interval).
    """
    live = (target for target in targets if target.role == "live" and target.share > 0)
    return sorted(live, key=lambda target: target.version)


def point(endpoint: str, key: str) -> float:
    """Where a sticky key falls in [0, 1). Salted by the endpoint, so one user is not in every canary at once."""
    digest = blake2b(f"{endpoint}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    # 53 bits, as a float holds them: all 64 could round up to 1.0.
    return (int.from_bytes(digest, "big") & ~0x7FF) * _UNIT


def choose(live: Sequence[Choice], at: float) -> Choice | None:
    """The target whose stretch of the unit interval holds `at` (0 <= at < 1); shares are relative to their sum.

    `live` is ordered as by `live_targets`. None when nothing is live.
    """
    if len(live) <= 1:
        return live[0] if live else None
    remaining = at * sum(target.share for target in live)
    for target in live:
        remaining -= target.share
        if remaining < 0:
            return target
    return live[-1]

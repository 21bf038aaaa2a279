"""What one serving process takes on, as the settings of the installation say; endpoints have limits of their own."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`max_body_bytes` bounds a body as sent and as decoded; it has to arrive within `body_seconds`.

    At most `max_loaded` packages are in memory, none of whose files are larger than `max_model_bytes` together; a load
    is reported when it takes longer than `load_seconds`. The code of `trusted_packages` (digests) may run, whoever
    made them. Callers in `internal_networks` may use internal endpoints.
    After a SIGTERM the process goes on answering for `drain_seconds`, while it says that it is not ready.
    """

    max_body_bytes: int = 10 * 2**20
    body_seconds: float = 30.0
    drain_seconds: float = 3.0
    trusted_packages: frozenset[str] = frozenset()
    max_loaded: int = 64
    max_model_bytes: int = 2 * 2**30
    load_seconds: float = 60.0
    internal_networks: tuple[IPv4Network | IPv6Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

"""What one serving process takes on, as the settings of the installation say; endpoints have limits of their own."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes of a body, as sent and as decoded, and the seconds in which it has to arrive."""

    max_body_bytes: int = 10 * 2**20
    body_seconds: float = 30.0

"""What a benchmark reports: our figure beside a peer's, as a ratio that holds on other machines too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BenchRow:
    """`ours` and `peer` are in `unit`; `ratio` is ours over the peer's; `note` says what the peer is.

    `broken` says which claim the figures do not bear out.
    """

    name: str
    ours: float
    peer: float
    unit: str
    ratio: float
    note: str
    broken: str | None = None

    def __str__(self) -> str:
        figures = f"ours {self.ours:.4g} {self.unit}, peer {self.peer:.4g} {self.unit}"
        return f"{self.name} {self.ratio:.2f} ({figures}: {self.note})"

"""What reproductions come to. The subject is the run that was reproduced, `runs/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class RunReproduced(Event):
    """`again_id` is the run that was made for it, if one was."""

    run_id: str
    reproduction_id: str
    again_id: str | None
    verdict: str
    reasons: list[str]

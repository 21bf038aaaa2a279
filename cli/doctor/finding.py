"""`Finding`: how one part is."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "broken"]


@dataclass(frozen=True)
class Finding:
    """`what` was seen, `why` it is so, `fix` the command that mends it. `group` is whose part it is."""

    group: str
    part: str
    state: State
    what: str
    why: str = ""
    fix: str = ""

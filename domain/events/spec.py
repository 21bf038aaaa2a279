"""`Event`: the base of everything that is said to have happened."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to `subject`, a path such as `datasets/bikes/versions/3`.

    The class name is the event's type. Fields are JSON values; a `reason` is one sentence for a person.
    """

    subject: str

    @property
    def type(self) -> str:
        return self.__class__.__name__

    def payload(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "subject"}

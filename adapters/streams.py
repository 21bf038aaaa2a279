"""`RowStream`: rows from a Redis Stream through a consumer group, and their answers into another one.

An entry is settled in one script: whoever still has it pending takes it out and writes its answer, both or neither. So
an entry that was delivered twice, to a consumer that was taken for dead and to its heir, has its answer once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from domain.errors import Invalid, Unavailable

Fields = dict[str, str]
# KEYS: the stream that is read, the one that is written. ARGV: group, how long that may get, then for each entry its
# id, the number of its fields and the fields. Gives the ids that were settled here.
_SETTLE: Final = """
local settled = {}
local at = 3
while at <= #ARGV do
  local id, count = ARGV[at], tonumber(ARGV[at + 1])
  if redis.call('XACK', KEYS[1], ARGV[1], id) == 1 then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, at + 2, at + 1 + count))
    settled[#settled + 1] = id
  end
  at = at + 2 + count
end
return settled
"""


class StreamsAway(Unavailable):
    """Redis does not answer, or is not ready to."""

    code = "streams_away"


class NotAStream(Invalid):
    """The key holds something else, or this Redis has no streams."""

    code = "not_a_stream"


@dataclass(frozen=True)
class Entry:
    """A row as it came. `deliveries` counts how often it was handed to a consumer, this time included."""

    id: str
    fields: Fields
    deliveries: int = 1

    @property
    def order(self) -> tuple[int, int]:
        """Its milliseconds since 1970 and its number within them."""
        milliseconds, _, number = self.id.partition("-")
        return int(milliseconds), int(number)


class RowStream:
    """The stream `source` as consumer `name` of `group`. Everything raises `StreamsAway` while Redis is away."""

    def __init__(self, redis_url: str, *, source: str, group: str, name: str, timeout_seconds: float = 10.0) -> None:
        # Our own caller tries again, and says so: a client that does too would keep a stop waiting.
        self._redis: Any = Redis.from_url(
            redis_url,
            decode_responses=True,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=None,
        )
        self._source = source
        self._group = group
        self._name = name
        self._settle = self._redis.register_script(_SETTLE)

    def join(self) -> None:
        """Make the group, from the first entry on, if it is not there."""
        with _reasons(self._source):
            try:
                self._redis.xgroup_create(self._source, self._group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    def read(self, most: int, *, block_ms: int) -> list[Entry]:
        """Entries that nobody was given yet; waits up to `block_ms` for the first."""
        with _reasons(self._source):
            found = self._redis.xreadgroup(self._group, self._name, {self._source: ">"}, count=most, block=block_ms)
        streams = found.items() if isinstance(found, dict) else found or []
        return [Entry(entry, fields) for _, batches in streams for entry, fields in _flat(batches)]

    def claim(self, most: int, *, idle_ms: int) -> list[Entry]:
        """Entries that were given to a consumer, this one too, and not settled for `idle_ms`: ours from now on."""
        with _reasons(self._source):
            _, found, *_ = self._redis.xautoclaim(
                self._source, self._group, self._name, min_idle_time=idle_ms, count=most
            )
            rows = {entry: fields for entry, fields in found if fields is not None}
            if not rows:
                return []
            counted = self._redis.xpending_range(
                self._source, self._group, min=min(rows, key=_order), max=max(rows, key=_order), count=10_000,
                consumername=self._name,
            )  # fmt: skip
        deliveries = {one["message_id"]: one["times_delivered"] for one in counted}
        return [Entry(entry, fields, deliveries.get(entry, 1)) for entry, fields in rows.items()]

    def settle(self, answers: Sequence[tuple[Entry, Fields]], *, to: str, max_length: int) -> set[str]:
        """Take these entries out of the group and write an answer to each; the ids of those that were still ours.

        The stream `to` keeps about the newest `max_length` entries.
        """
        if not answers:
            return set()
        arguments: list[str | int] = [self._group, max_length]
        for entry, fields in answers:
            pairs = [part for pair in fields.items() for part in pair]
            arguments += [entry.id, len(pairs), *pairs]
        with _reasons(to):
            return set(self._settle(keys=[self._source, to], args=arguments))

    def leave(self) -> None:
        """Let go of the connection; a consumer that has nothing pending is forgotten."""
        with suppress(RedisError):
            pending = self._redis.xpending_range(
                self._source, self._group, min="-", max="+", count=1, consumername=self._name
            )
            if not pending:
                self._redis.xgroup_delconsumer(self._source, self._group, self._name)
        self._redis.close()


@contextmanager
def _reasons(key: str) -> Iterator[None]:
    """What redis raises, as what it means here."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StreamsAway("Redis does not answer.", where="MILLRACE_REDIS_URL") from error
    except ResponseError as error:
        if "WRONGTYPE" in str(error):
            raise NotAStream(f"The key {key!r} holds no stream.", where=key) from error
        # Starting, out of memory, without its group after a flush: it may be over in a moment.
        raise StreamsAway(f"Redis refuses: {error}.", where=key) from error


def _flat(batches: Any) -> list[tuple[str, Fields]]:
    """Entries of one stream; a later protocol of Redis puts a list around them."""
    return [pair for batch in batches for pair in (batch if isinstance(batch, list) else [batch])]


def _order(entry: str) -> tuple[int, int]:
    return Entry(entry, {}).order

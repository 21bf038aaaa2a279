"""The base of all tables and the two kinds of session. Adapters open sessions; services take one as first argument.

A `WriteSession` carries the clock and the actor, so that the domain never asks the machine, and collects
what happened (`outbox`), which becomes event rows at the very end of the transaction.
"""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Insert,
    Integer,
    MetaData,
    Select,
    String,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from uuid_utils import uuid7

if TYPE_CHECKING:
    from domain.access.actor import Actor
    from domain.events.spec import Event

T = TypeVar("T")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Times are UTC and aware in Python; SQLite, which knows no zones, keeps them naive in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
    }


def new_id() -> str:
    """A UUIDv7 as text: unique, and sorted by the time it was made (RFC 9562)."""
    return str(uuid7())


Id = Annotated[str, mapped_column(String(36), primary_key=True, default=new_id)]
Ref = Annotated[str, mapped_column(String(36))]
# A dense 64-bit key that SQLite can still count up by itself.
Sequence = Annotated[
    int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
]


class ReadSession(Session):
    """For queries: sees one moment, changes nothing."""


class WriteSession(Session):
    """For services. Opened by `Runtime.transaction`, the only place that commits."""

    def __init__(
        self,
        *args: Any,
        clock: Callable[[], datetime],
        actor: "Actor",
        request_id: str | None = None,
        job_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        self.request_id = request_id
        self.job_id = job_id
        self.outbox: list[Event] = []
        self.undrained: deque[Event] = deque()
        self.nudges: list[str] = []
        self._clock = clock

    def now(self) -> datetime:
        """The time of this transaction's clock, UTC."""
        return self._clock()


AnySession = ReadSession | WriteSession


def insert_many(session: WriteSession, statement: Insert, rows: list[Mapping[str, Any]]) -> None:
    """Insert plain rows by the thousand, all with the same columns: by the driver, past mapping and conversion.

    Values must be what both drivers take (text, numbers, bytes, None), or times in the same columns of all rows.
    """
    connection = session.connection()
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    bind = UtcDateTime().dialect_impl(connection.dialect).bind_processor(connection.dialect)
    times = [name for name, value in rows[0].items() if bind and isinstance(value, datetime)]
    if times:  # mostly one time for all of them
        bound = cache(cast("Callable[[datetime], Any]", bind))
        rows = [{**row, **{name: bound(row[name]) for name in times}} for row in rows]
    order = compiled.positiontup
    connection.exec_driver_sql(str(compiled), list(map(itemgetter(*order), rows)) if order else rows)


def locked(query: Select[T]) -> Select[T]:
    """`query` with its rows locked until the end of the transaction, and read anew even where the session knows them.

    SQLite has one writer at a time and needs no row locks; there it only reads anew.
    """
    return query.with_for_update().execution_options(populate_existing=True)

"""Whatever names a content keeps it: columns of nouns that exist, and of nouns that are added later."""

from sqlalchemy import Column, String, Table, insert

from adapters.runtime import Runtime
from domain.db import Base
from domain.gc import roots
from domain.gc.reach import RootKind
from tests.conftest import ON_BOTH_DATABASES


def test_every_column_of_today_is_read_by_its_meaning() -> None:
    """One that appears here wants a kind of its own in `roots`; until then it is kept as of another table."""
    assert [str(column) for column in roots.other_columns()] == []


@ON_BOTH_DATABASES
def test_a_column_nobody_has_heard_of_keeps_what_it_names(runtime: Runtime) -> None:
    kept, other = "a" * 32, "b" * 32
    table = Table(
        "later_noun", Base.metadata, Column("id", String(36), primary_key=True), Column("rows_md5", String(32))
    )
    try:
        with runtime.transaction() as session:
            table.create(session.connection())
            session.execute(insert(table).values(id="1", rows_md5=kept))
        with runtime.reading() as session:
            assert roots.needed(session, [kept, other], {})[RootKind.OTHERS] == {kept}
    finally:
        Base.metadata.remove(table)

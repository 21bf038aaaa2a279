"""Results that are used again: the same check of the same package on the same rows comes to the same."""

import json
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Final, cast

from sqlalchemy import Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.db import AnySession, WriteSession
from domain.model_checks.models import KeptResult
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec

KEPT_AT_MOST: Final = 20_000
_ASKED_AT_ONCE: Final = 500


def key_of(
    check: ModelCheckSpec,
    *,
    lexicons: Mapping[str, Sequence[str]],
    package_digest: str,
    rows_digest: str,
    seed: int,
    code: str,
) -> str:
    """The digest of all that a result depends on. The package names its run, and so its metrics and train rows."""
    said = [check.as_json(), {name: list(words) for name, words in lexicons.items()}]
    parts = [said, package_digest, rows_digest, seed, code]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def find(session: AnySession, keys: Collection[str]) -> dict[str, ModelCheckResult]:
    """What is kept under the keys, marked as `cached`."""
    found: dict[str, ModelCheckResult] = {}
    asked = sorted(set(keys))
    for start in range(0, len(asked), _ASKED_AT_ONCE):
        query = select(KeptResult).where(KeptResult.key.in_(asked[start : start + _ASKED_AT_ONCE]))
        for row in session.scalars(query):
            found[row.key] = ModelCheckResult.model_validate({**row.result, "cached": True})
    return found


def keep(session: WriteSession, results: Mapping[str, ModelCheckResult], *, at_most: int = KEPT_AT_MOST) -> None:
    """Put results under their keys in place of what is there; the oldest go when there are more than `at_most`."""
    if not results:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(cast("Table", KeptResult.__table__))
    put = insert.on_conflict_do_update(
        index_elements=["key"], set_={"result": insert.excluded.result, "kept_at": insert.excluded.kept_at}
    )
    now = session.now()
    # In the order of keys, so that two writers never wait for each other crosswise.
    rows = [{"key": key, "result": results[key].as_json(), "kept_at": now} for key in sorted(results)]
    session.execute(put, rows)
    newest = select(KeptResult.key).order_by(KeptResult.kept_at.desc(), KeptResult.key)
    session.execute(delete(KeptResult).where(KeptResult.key.in_(newest.offset(at_most).limit(KEPT_AT_MOST))))

"""Deleting a version: refused while anything needs it. The bytes go later, with a collection."""

from domain.datasets import queries
from domain.datasets import service as datasets
from domain.datasets.models import DatasetVersion
from domain.db import WriteSession
from domain.errors import Conflict
from domain.gc.uses import Need, needs_of

_SHOWN = 5


class VersionInUse(Conflict):
    """Something that matters needs the version: what, the message says."""

    code = "version_in_use"


def delete_version(session: WriteSession, *, name: str, number: int, reason: str = "") -> DatasetVersion:
    """Let a version go. `VersionInUse` names what needs it; deleting it again is no news."""
    found = queries.get_version(session, name, number)
    version = queries.get_version_by_id(session, found.id, lock=True)
    if version.deleted_at is not None:
        return version
    needs = needs_of(session, version)
    if needs:
        raise VersionInUse(
            f"Version {number} of {name!r} is needed by {_shown(needs)}.", where="version", fix=_fix(needs)
        )
    datasets.delete_version(session, version=version, reason=reason)
    return version


def _shown(needs: list[Need]) -> str:
    more = f", and {len(needs) - _SHOWN} more" if len(needs) > _SHOWN else ""
    return ", ".join(map(str, needs[:_SHOWN])) + more


def _fix(needs: list[Need]) -> str:
    nouns = {need.noun for need in needs}
    if nouns <= {"job", "pipeline"}:
        return "Wait until they have ended, or cancel them."
    if nouns == {"pin"}:
        return "Unpin it first."
    return "What a run, a model or another version was made from stays."

"""What a verification finds, as values."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class DamageKind(StrEnum):
    """What can be wrong. `unknown_pack` alone is no damage: bytes that no row names, left over from a crash."""

    PACK_MISSING = "pack_missing"
    PACK_TRUNCATED = "pack_truncated"
    DIRECTORY_DAMAGED = "directory_damaged"
    CHUNK_DAMAGED = "chunk_damaged"
    CHUNK_MISSING = "chunk_missing"
    CONTENT_MISSING = "content_missing"
    CONTENT_DAMAGED = "content_damaged"
    UNKNOWN_PACK = "unknown_pack"


HARMLESS = frozenset({DamageKind.UNKNOWN_PACK})


class Damage(BaseModel):
    """One thing that is wrong: in which pack, with which chunks (BLAKE3) or content (MD5), and what was seen.

    `affected` names what is lost by it: versions with their files, and rows kept for runs.
    """

    model_config = ConfigDict(frozen=True)

    kind: DamageKind
    detail: str
    pack_id: str | None = None
    chunks: list[str] = []
    content: str | None = None
    affected: list[str] = []

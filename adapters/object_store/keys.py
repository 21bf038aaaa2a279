"""What may be a key: the same on every store, so that data can move from one to another."""

from domain.errors import Invalid

INCOMING = ".incoming"
"""Where stores keep what is not yet an object. Never listed, never a key."""

_MOST_BYTES = 900  # S3 takes 1024, a prefix included
_MOST_PART_BYTES = 255  # what a file's name may have


class BadKey(Invalid):
    code = "bad_object_key"


class BadRange(Invalid):
    code = "bad_object_range"


def checked_key(key: str) -> str:
    """The key, if every store can hold it under exactly this name. Raises BadKey."""
    parts = key.split("/")
    if parts[0] == INCOMING or any(part in ("", ".", "..") for part in parts):
        raise BadKey(f"{key!r} is no key of an object store.", where="key")
    if any(ord(sign) < 32 or sign in "\\\x7f" or 0xD800 <= ord(sign) < 0xE000 for sign in key):
        raise BadKey(f"{key!r} has characters that not every store can keep.", where="key")
    if len(key.encode()) > _MOST_BYTES or any(len(part.encode()) > _MOST_PART_BYTES for part in parts):
        raise BadKey(f"{key[:80]!r}… is too long for a key of an object store.", where="key")
    return key


def checked_range(key: str, start: int, length: int) -> None:
    checked_key(key)
    if start < 0 or length < 0:
        raise BadRange(f"Bytes {start} + {length} of {key!r} are no range.", where=key)

"""The digest of a dataset version, as DVC computes it: pure functions on names, sizes and MD5s.

One file has its MD5. A folder has the MD5 of its `.dir` listing with `.dir` behind it
(the JSON that DVC's client writes, sorted by relpath).
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import PurePosixPath

from domain.datasets.specs import TABLE_SUFFIXES, VersionFormat
from domain.errors import Invalid

MAX_PATH = 512
# What nearly every name is like, and nothing is wrong with: letters, digits, and dots that begin no part.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. -]*(/[A-Za-z0-9_-][A-Za-z0-9_. -]*)*")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Slashes, backslashes and colons by their looks alone: Unicode's normal forms keep them apart.
_LOOK_ALIKES = frozenset("\u2044\u2215\u2216\u29f5\u29f8\u29f9\u2236\ua789")


class BadFileName(Invalid):
    code = "bad_file_name"


class DuplicateFileName(Invalid):
    code = "duplicate_file_name"


@dataclass(frozen=True)
class StoredContent:
    """Bytes in the data store: their MD5 in hex, and how many."""

    md5: str
    size: int


@dataclass(frozen=True)
class ManifestEntry:
    """One file of a version: its path below the version's root, and its content."""

    path: str
    md5: str
    size: int


def md5_of(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


def checked_path(name: str) -> str:
    """`name` if it is a safe relative path, in Unicode's composed form; BadFileName otherwise.

    Refused: empty, absolute, `.` or `..` parts, backslashes, control characters (NUL among them), names that
    change under compatibility normalisation (full-width slashes and other look-alikes), more than 512 bytes.
    """
    if len(name) <= MAX_PATH and _PLAIN.fullmatch(name):
        return name
    composed = unicodedata.normalize("NFC", name)
    parts = composed.split("/")
    reason = None
    if not composed or composed.strip() == "":
        reason = "it is empty"
    elif len(composed.encode("utf-8", "surrogatepass")) > MAX_PATH:
        reason = f"it is longer than {MAX_PATH} bytes"
    elif any(unicodedata.category(char) in _INVISIBLE for char in composed):
        reason = "it contains control or invisible characters"
    elif "\\" in composed or ":" in parts[0]:
        reason = "it contains a backslash or a drive"
    elif PurePosixPath(composed).is_absolute() or any(part in {"", ".", ".."} for part in parts):
        reason = "it is not a plain relative path"
    elif any(_looks_like_a_separator(char) for char in composed):
        reason = "it contains a character that looks like a path separator"
    if reason is not None:
        shown = name if len(name) <= 80 else f"{name[:77]}..."
        raise BadFileName(
            f"The file name {shown!r} is refused: {reason}.",
            where="files",
            fix="Use relative names such as part/a.csv.",
        )
    return composed


def _looks_like_a_separator(char: str) -> bool:
    return ord(char) > 127 and (
        char in _LOOK_ALIKES or any(mark in unicodedata.normalize("NFKC", char) for mark in "/\\.:")
    )


def directory_listing(entries: Iterable[ManifestEntry]) -> bytes:
    """The bytes of DVC's `.dir` object for these files."""
    rows = [{"md5": entry.md5, "relpath": entry.path} for entry in sorted(entries, key=lambda entry: entry.path)]
    return json.dumps(rows, sort_keys=True).encode()


def format_of(entries: Sequence[ManifestEntry]) -> VersionFormat:
    """How a version is read: one file by the end of its name, anything else as a folder of files."""
    if len(entries) == 1 and "/" not in entries[0].path:
        return TABLE_SUFFIXES.get(PurePosixPath(entries[0].path).suffix.lower(), "folder")
    return "folder"


def digest_of(entries: Sequence[ManifestEntry]) -> str:
    """The version's digest, of at least one file: its own MD5 when it is one, else the listing's MD5 + `.dir`."""
    listing = listing_of(entries)
    return entries[0].md5 if listing is None else f"{md5_of(listing)}.dir"


def listing_of(entries: Sequence[ManifestEntry]) -> bytes | None:
    """What a version has beside its files: DVC's listing, unless it is one file (or none). Raises DuplicateFileName."""
    seen: set[str] = set()
    for entry in entries:
        if entry.path in seen:
            raise DuplicateFileName(f"The file {entry.path!r} was sent twice.", where="files")
        seen.add(entry.path)
    folders = {path.rpartition("/")[0] for path in seen}
    for folder in folders:
        parts = folder.split("/")
        for depth in range(1, len(parts) + 1):
            parent = "/".join(parts[:depth])
            if parent in seen:
                raise DuplicateFileName(f"{parent!r} is a file, and the folder of others.", where="files")
    return directory_listing(entries) if len(entries) > 1 or any(folders) else None

"""The files of a version, as the server lists them: asked for once, since what a version consists of never changes."""

from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from cli.client import Client, ClientError
from cli.transfer.tree import cache_folder, write_whole

KEPT = 50
"""Listings that are remembered, the last ones used."""

Version = dict[str, Any]
"""A version: dataset, number, digest, deleted_at, and more."""
File = dict[str, Any]
"""A file of a version: path, md5, size."""


def files_of(client: Client, version: Version) -> list[File]:
    """Every file of a version that the server has just described: its digest says whether what is remembered is it."""
    name, number = version["dataset"], version["number"]
    place = cache_folder() / "listings" / blake2b(f"{client.url} {name}@{number}".encode(), digest_size=16).hexdigest()
    known = None if version["deleted_at"] else _read(place, version["digest"])
    if known is not None:
        return known
    listing = client.read("datasets", name, "versions", number, "files")
    _remember(place, version["digest"], listing)
    files: list[File] = orjson.loads(listing)["items"]
    return files


def refuse_outside(folder: Path, files: list[File]) -> None:
    """No file of the server goes outside the folder, whatever the server says its name is."""
    for file in files:
        inner = file["path"]
        if inner.startswith("/") or (".." in inner and ".." in inner.split("/")):
            raise ClientError(f"The server named a file {inner!r}, which would lie outside {folder}.")


def _read(place: Path, digest: str) -> list[File] | None:
    """What is remembered under this digest; None where that cannot be read."""
    try:
        of, _, listing = place.read_bytes().partition(b"\n")
        if of.decode("latin-1") != digest:
            return None
        files: list[File] = orjson.loads(listing)["items"]
        place.touch()  # used, and so not the next to go
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files


def _remember(place: Path, digest: str, listing: bytes) -> None:
    write_whole(place, digest.encode() + b"\n" + listing)
    with suppress(OSError):
        used = sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in used[:-KEPT]:
            path.unlink()

"""The files of a version, as the server lists them. It never changes, so what is remembered is only asked about."""

from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from cli.client import Client, ClientError
from cli.transfer.tree import cache_folder, write_whole

KEPT = 50
"""Listings that are remembered, the last ones used."""

File = dict[str, Any]
"""A file of a version: path, md5, size."""


def files_of(client: Client, name: str, number: int) -> list[File]:
    """Every file of the version. What is remembered counts only while the server has the same there."""
    place = cache_folder() / "listings" / blake2b(f"{client.url} {name}@{number}".encode(), digest_size=16).hexdigest()
    tag, known = _read(place)
    answer = client.get_new("datasets", name, "versions", number, "files", tag=tag)
    if answer is None:
        return known
    _remember(place, answer.tag, answer.content)
    files: list[File] = orjson.loads(answer.content)["items"]
    return files


def refuse_outside(folder: Path, files: list[File]) -> None:
    """No file of the server goes outside the folder, whatever the server says its name is."""
    for file in files:
        inner = file["path"]
        if inner.startswith("/") or (".." in inner and ".." in inner.split("/")):
            raise ClientError(f"The server named a file {inner!r}, which would lie outside {folder}.")


def _read(place: Path) -> tuple[str | None, list[File]]:
    """What is remembered, and its ETag; nothing where that cannot be read."""
    try:
        tag, _, listing = place.read_bytes().partition(b"\n")
        files: list[File] = orjson.loads(listing)["items"]
        place.touch()  # used, and so not the next to go
    except (OSError, ValueError, KeyError, TypeError):
        return None, []
    return tag.decode("latin-1"), files


def _remember(place: Path, tag: str, listing: bytes) -> None:
    write_whole(place, tag.encode("latin-1") + b"\n" + listing)
    with suppress(OSError):
        used = sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in used[:-KEPT]:
            path.unlink()

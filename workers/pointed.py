"""The files behind a `.dvc` pointer, when `dvc push` has brought their bytes. Used by the sync of repositories."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from adapters.object_store.contents import Contents
from domain.datasets.dvc import Pointer
from domain.datasets.manifest import ManifestEntry, checked_path
from domain.errors import Invalid


class BadListing(Invalid):
    """The bytes are no listing of a folder as DVC writes them."""

    code = "bad_dir_object"


@dataclass(frozen=True)
class MissingObjects:
    """Of what a pointer names, `count` objects are not in the store, `first` among them."""

    first: str
    count: int


def entries_of(contents: Contents, pointer: Pointer) -> list[ManifestEntry] | MissingObjects:
    """The files of the version that the pointer stands for, or what is missing of it. Raises BadListing."""
    if not contents.exists(pointer.md5):
        return MissingObjects(pointer.md5, 1)
    if not pointer.md5.endswith(".dir"):
        return [ManifestEntry(PurePosixPath(pointer.path).name, pointer.md5, contents.size(pointer.md5))]
    listed = _listing(contents.read(pointer.md5))
    missing = [md5 for _, md5 in listed if not contents.exists(md5)]
    if missing:
        return MissingObjects(missing[0], len(missing))
    return [ManifestEntry(path, md5, contents.size(md5)) for path, md5 in listed]


def _listing(data: bytes) -> list[tuple[str, str]]:
    try:
        rows: Any = json.loads(data)
        return [(checked_path(row["relpath"]), str(row["md5"])) for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadListing("The listing of the folder is not one that DVC writes.", where="pointer") from error

"""What `docker build -` takes of a model version: a tar of its Dockerfile and the model store beside it, streamed."""

import tarfile
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from adapters.object_store.keys import INCOMING
from adapters.object_store.protocol import ObjectStore
from domain.deployments.specs import Routes
from domain.errors import Conflict
from domain.registry.specs import Package

MEDIA_TYPE: Final = "application/x-tar"
_LISTING: Final = "package.json"
_PIECE: Final = 2**20


class DamagedPackage(Conflict):
    """The model store does not hold what the version was registered with."""

    code = "damaged_package"


def build_context(store: ObjectStore, *, dockerfile: str, routes: Routes, package: str) -> Iterator[bytes]:
    """Raises `ObjectMissing` or `DamagedPackage` now, for what can be known before the bytes are read.

    Bytes that are not those of their digest break the answer off, which `docker build` refuses.
    """
    listing = store.get(f"packages/{package}/{_LISTING}")
    if sha256(listing).hexdigest() != package:
        raise _damaged(_LISTING)
    files = Package.model_validate_json(listing).files
    for file in files:
        if store.info(f"packages/{package}/{file.path}").size != file.size:
            raise _damaged(file.path)
    small = {
        "Dockerfile": dockerfile.encode(),
        f"models/packages/{package}/{_LISTING}": listing,
        f"models/routes/{routes.endpoint}.json": routes.model_dump_json().encode(),
    }

    def written() -> Iterator[bytes]:
        for name, content in small.items():
            yield _header(name, len(content)) + content + _padding(len(content))
        yield _header(f"models/{INCOMING}", None)
        for file in files:
            yield _header(f"models/packages/{package}/{file.path}", file.size)
            yield from _verified(store, f"packages/{package}/{file.path}", file.sha256)
            yield _padding(file.size)
        yield bytes(2 * tarfile.BLOCKSIZE)

    return written()


def _verified(store: ObjectStore, key: str, digest: str) -> Iterator[bytes]:
    found = sha256()
    with store.open(key) as stream:
        while piece := stream.read(_PIECE):
            found.update(piece)
            yield piece
    if found.hexdigest() != digest:
        raise _damaged(key)


def _header(name: str, size: int | None) -> bytes:
    """Of a file, or without a size of a folder; without times, so that the same version gives the same bytes."""
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = (0o644, size) if size is not None else (0o755, 0)
    entry.type = tarfile.REGTYPE if size is not None else tarfile.DIRTYPE
    return entry.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _damaged(where: str) -> DamagedPackage:
    return DamagedPackage(
        "A file of the package is not what the version was registered with.",
        where=where,
        fix="Register the run again: it gives a version with a package of its own.",
    )

"""One layer of an image as a compressed tar file: the same files give the same bytes."""

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_BLOCK = 2**20


@dataclass(frozen=True)
class Layer:
    """`digest` is of the file, `diff_id` of the tar inside it; both as `sha256:…`. `size` in bytes."""

    path: Path
    digest: str
    diff_id: str
    size: int


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Hashing:
    """Passes on what is written, and keeps its digest and length."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self._hash = sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Whoever opened the sink closes it."""

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def write_layer(path: Path, files: Mapping[str, bytes | Path], *, folders: tuple[str, ...] = (), owner: int) -> Layer:
    """A layer with the files (paths without a leading `/`) and the folders above them, all of `owner`.

    Sorted, without times, with modes of our own: nothing of this machine is in it.
    """
    with path.open("wb") as file:
        outer = _Hashing(file)
        with gzip.GzipFile(filename="", mode="wb", fileobj=cast("BinaryIO", outer), mtime=0, compresslevel=6) as packed:
            inner = _Hashing(packed)
            with tarfile.open(fileobj=cast("BinaryIO", inner), mode="w|", format=tarfile.PAX_FORMAT) as archive:
                names = {*_above(files), *folders, *files}
                for name in sorted(names):
                    _add(archive, name, files.get(name), owner)
    return Layer(path, outer.digest, inner.digest, outer.size)


def _above(files: Mapping[str, bytes | Path]) -> set[str]:
    return {str(folder) for name in files for folder in PurePosixPath(name).parents if str(folder) != "."}


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path | None, owner: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.uid = entry.gid = owner
    if content is None:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
        return
    entry.mode = 0o644
    with _opened(content) as (stream, entry.size):
        archive.addfile(entry, stream)


@contextmanager
def _opened(content: bytes | Path) -> Iterator[tuple[BinaryIO, int]]:
    if isinstance(content, bytes):
        yield io.BytesIO(content), len(content)
        return
    with content.open("rb") as stream:
        yield stream, content.stat().st_size

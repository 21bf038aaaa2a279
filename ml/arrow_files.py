"""A table as a sealed Arrow file: written once, then mapped by whoever reads it. The workers' dataset cache keeps them.

The file is an uncompressed Arrow IPC file with a seal behind it: a mark, the size of what comes before, and its
BLAKE3. Arrow itself checks only the structure, and a wrong byte among the offsets of a text column ends the process.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

import polars as pl
import pyarrow as pa
from blake3 import blake3

_SEAL = Struct("<8sQ32s")
_MARK = b"MRARROW1"
# Up to here a table is one batch, so that each column is one piece of memory and numpy takes it without a copy.
_ONE_BATCH_BYTES = 2**30
# Bytes of one value; what is not named takes 8. Of text its view, which holds up to 12 bytes of it.
_WIDTHS: dict[pl.DataType | type[pl.DataType], float] = {
    pl.Boolean: 1 / 8,
    **dict.fromkeys((pl.Int8, pl.UInt8), 1),
    **dict.fromkeys((pl.Int16, pl.UInt16), 2),
    **dict.fromkeys((pl.Int32, pl.UInt32, pl.Float32), 4),
    pl.String: 16,
}


class DamagedTable(Exception):
    """The file does not carry a seal, or not the seal of its content."""


@dataclass(frozen=True)
class FileState:
    """Which file it is, and in which state: another one after any write to it."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, file: int) -> "FileState":
        """Of an open file, by its descriptor."""
        stat = os.fstat(file)
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


def least_bytes(frame: pl.LazyFrame) -> int:
    """What the table takes at least as an Arrow file: its fixed parts, without the letters of long texts."""
    rows = int(frame.select(pl.len()).collect().item())
    return int(rows * sum(_WIDTHS.get(dtype, 8) for dtype in frame.collect_schema().dtypes()))


def write_sealed(frame: pl.LazyFrame, path: Path) -> FileState:
    """Write the table and its seal to `path`, streaming when it is large. Raises `OSError`, as for a full disk.

    The seal comes last: a file that was not written to its end has none. Gives the state it leaves the file in.
    """
    one_batch = least_bytes(frame) <= _ONE_BATCH_BYTES
    rows = int(frame.select(pl.len()).collect().item()) if one_batch else None
    frame.sink_ipc(path, compression="uncompressed", record_batch_size=rows)
    size = path.stat().st_size
    digest = blake3(max_threads=blake3.AUTO).update_mmap(path).digest()
    with path.open("ab") as file:
        file.write(_SEAL.pack(_MARK, size, digest))
        file.flush()
        return FileState.of(file.fileno())


def map_sealed(path: Path, *, trusted: frozenset[FileState] | set[FileState]) -> tuple[pl.DataFrame, FileState]:
    """The table in `path`, its columns mapped and not read, and the state of the file.

    The content is read through once and compared with its seal, unless the file is in a state of `trusted`. The frame
    stays whole when the file is unlinked. Raises `DamagedTable`, or `OSError` when there is no such file.
    """
    # pyarrow maps; the readers of Polars copy the whole file into memory, uncompressed or not.
    with pa.memory_map(str(path)) as file:
        state = FileState.of(file.fileno())
        whole = file.read_buffer()
    if whole.size < _SEAL.size:
        raise DamagedTable("it is too short for a seal")
    mark, size, digest = _SEAL.unpack(whole.slice(whole.size - _SEAL.size))
    content = whole.slice(0, whole.size - _SEAL.size)
    if mark != _MARK or size != content.size:
        raise DamagedTable("it has no seal")
    if state not in trusted and blake3(max_threads=blake3.AUTO).update(content).digest() != digest:
        raise DamagedTable("its content is not what was sealed")
    try:
        table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
    except pa.ArrowException as error:
        raise DamagedTable(str(error)) from error
    return pl.DataFrame(table), state

"""`python -m adapters.dvc_process FOLDER PATH`: writes the files at PATH of a DVC repository to standard output.

A process of its own for DVC's library, which is an extra, slow to import, and reads the configuration of whoever wrote
the repository; `adapters.dvc_files` has made that harmless, starts this, and reads what it writes: for each file a line
of JSON with its path, then blocks (their length in 8 bytes, then so many bytes) up to one of length 0. A last line has
`end`, or the `error`.
"""

import json
import sys
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from dvc.api import DVCFileSystem

_BLOCK = 2**20
_NOT_DATA = (".dvc", ".gitignore", ".dvcignore")


def main() -> None:
    folder, path = sys.argv[1:3]
    out = sys.stdout.buffer
    try:
        fs = DVCFileSystem(repo=folder, config=json.loads(sys.argv[3]))
        said: dict[str, Any] = {"end": True} if fs.exists(path) else {"missing": True}
        if "end" in said:
            _write_all(fs, path, out)
    except Exception as error:  # noqa: BLE001 - whatever DVC raises is the answer
        said = {"error": f"{type(error).__name__}: {error}"[:2_000]}
    _line(out, said)


def _write_all(fs: Any, path: str, out: BinaryIO) -> None:
    if not fs.isdir(path):
        _write(fs, path, PurePosixPath(path).name, out)
        return
    for found in sorted(fs.find(path)):
        if not found.endswith(_NOT_DATA):
            _write(fs, found, str(PurePosixPath(found).relative_to(path)), out)


def _write(fs: Any, path: str, name: str, out: BinaryIO) -> None:
    with fs.open(path, "rb") as file:
        _line(out, {"path": name})
        while block := file.read(_BLOCK):
            out.write(len(block).to_bytes(8, "big"))
            out.write(block)
    out.write(bytes(8))


def _line(out: BinaryIO, value: dict[str, Any]) -> None:
    out.write(json.dumps(value).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()

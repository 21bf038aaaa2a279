"""The text of a `.dvc` file, as DVC writes it (format 3: `hash: md5`). The API hands it out as a version's pointer."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from domain.datasets.manifest import BadFileName, ManifestEntry, checked_path
from domain.errors import Invalid

_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_./-]*$")
# Words that YAML would read as something other than text.
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class BadPointer(Invalid):
    """The text is no `.dvc` file that a version can be made from; `where` is the place in it."""

    code = "bad_pointer"


@dataclass(frozen=True)
class Pointer:
    """What a `.dvc` file points to. `md5` ends in `.dir` for a folder; `path` is beside the `.dvc` file."""

    md5: str
    path: str
    size: int | None = None
    nfiles: int | None = None
    remote: str | None = None


def parse_pointer(text: str) -> Pointer:
    """What the `.dvc` file points to; `BadPointer`, with the place, when it is not one output in DVC 3's MD5."""
    try:
        document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - BaseLoader makes text, lists and mappings alone
    except (yaml.YAMLError, RecursionError) as error:
        raise BadPointer(f"The pointer is not YAML: {str(error).partition(chr(10))[0]}.", where="pointer") from error
    outs = document.get("outs") if isinstance(document, dict) else None
    if not isinstance(outs, list) or len(outs) != 1 or not isinstance(outs[0], dict):
        raise BadPointer("The pointer does not have exactly one output.", where="outs")
    out = outs[0]
    if not re.fullmatch(r"[0-9a-f]{32}(\.dir)?", str(out.get("md5"))) or out.get("hash", "md5") != "md5":
        raise BadPointer("The output has no MD5 as DVC 3 writes it.", where="outs.0.md5")
    try:
        path = checked_path(str(out.get("path", "")))
    except BadFileName as error:
        raise BadPointer(error.message, where="outs.0.path") from error
    return Pointer(out["md5"], path, _count(out.get("size")), _count(out.get("nfiles")), out.get("remote"))


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def pointer(*, name: str, digest: str, entries: Sequence[ManifestEntry]) -> str:
    """The pointer to a version: to its one file, or to a folder that is called `name`."""
    size = sum(entry.size for entry in entries)
    if digest.endswith(".dir"):
        return f"outs:\n- md5: {digest}\n  size: {size}\n  nfiles: {len(entries)}\n  hash: md5\n  path: {_text(name)}\n"
    return f"outs:\n- md5: {digest}\n  size: {size}\n  hash: md5\n  path: {_text(entries[0].path)}\n"


def _text(value: str) -> str:
    """`value` as a YAML scalar: plain when that is safe, else quoted as in JSON, which YAML reads."""
    return value if _PLAIN.match(value) and value.lower() not in _WORDS else json.dumps(value)

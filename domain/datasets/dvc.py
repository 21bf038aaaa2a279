"""DVC's two formats, as pure functions: the `.dvc` file (format 3: `hash: md5`) and the listing of a folder (`.dir`).

The API hands out a version's pointer and takes pointers and pushed listings; workers read pointers found in Git.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from domain.datasets.manifest import BadFileName, DuplicateFileName, ManifestEntry, checked_path
from domain.errors import Invalid

MAX_POINTER = 2**16
MAX_DEPTH = 20
MD5 = re.compile(r"[0-9a-f]{32}")
DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")
_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_./-]*$")
# Words that YAML would read as something other than text.
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_PUSH = "Run `dvc add` and `dvc push`, and send the new pointer."


class BadPointer(Invalid):
    """The text is no `.dvc` file that a version can be made from; `where` is the place in it."""

    code = "bad_pointer"


class BadListing(Invalid):
    """The bytes are no listing of a folder as DVC writes them; `where` is the entry."""

    code = "bad_dir_object"


@dataclass(frozen=True)
class Pointer:
    """What a `.dvc` file points to. `md5` ends in `.dir` for a folder; `path` is beside the `.dvc` file."""

    md5: str
    path: str
    size: int | None = None
    nfiles: int | None = None
    remote: str | None = None


@dataclass(frozen=True)
class Listed:
    """One file that a `.dir` object names: its path in composed form, and its MD5."""

    path: str
    md5: str


def pointer(*, name: str, digest: str, entries: Sequence[ManifestEntry]) -> str:
    """The pointer to a version: to its one file, or to a folder that is called `name`."""
    size = sum(entry.size for entry in entries)
    if digest.endswith(".dir"):
        return f"outs:\n- md5: {digest}\n  size: {size}\n  nfiles: {len(entries)}\n  hash: md5\n  path: {_text(name)}\n"
    return f"outs:\n- md5: {digest}\n  size: {size}\n  hash: md5\n  path: {_text(entries[0].path)}\n"


def parse_pointer(text: str) -> Pointer:
    """What the `.dvc` file points to; `BadPointer`, with the place, when it is not one output in DVC 3's MD5."""
    document = _mapping(_plain(_composed(text)), "pointer")
    if any("repo" in one for one in _items(document.get("deps", []), "deps") if isinstance(one, dict)):
        raise BadPointer(
            "The pointer is an import: its bytes belong to another repository, and are never pushed.",
            where="deps",
            fix="Send the pointer of that repository, or turn this into data of your own: `dvc unprotect`, `dvc add`.",
        )
    outs = _items(document.get("outs"), "outs")
    if len(outs) != 1:
        raise BadPointer(
            f"The pointer has {len(outs)} outputs; a version is one.", where="outs", fix="Send a pointer for each."
        )
    out = _mapping(outs[0], "outs.0")
    digest = _digest_in(out)
    try:
        path = checked_path(_word(out, "path"))
    except BadFileName as error:
        raise BadPointer(
            error.message, where="outs.0.path", fix="Keep the data beside or below its pointer."
        ) from error
    remote = _word(out, "remote") if "remote" in out else None
    return Pointer(digest, path, _count(out, "size"), _count(out, "nfiles"), remote)


def parse_listing(data: bytes) -> list[Listed]:
    """The files that a `.dir` object names, in its order.

    Raises `BadListing`, `BadFileName` or `DuplicateFileName`. Order, spacing and further keys are DVC's own affair.
    """
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadListing("The listing of the folder is not JSON.", where="body") from error
    if not isinstance(rows, list):
        raise BadListing("The listing of the folder is not a list.", where="body")
    listed = [_listed(place, row) for place, row in enumerate(rows)]
    seen: set[str] = set()
    for one in listed:
        if one.path in seen:
            raise DuplicateFileName(f"The listing names {one.path!r} twice.", where="body")
        seen.add(one.path)
    for path in seen:
        parent = path.rpartition("/")[0]
        while parent:
            if parent in seen:
                raise DuplicateFileName(f"{parent!r} is a file, and the folder of {path!r}.", where="body")
            parent = parent.rpartition("/")[0]
    return listed


def _listed(place: int, row: Any) -> Listed:
    if not isinstance(row, dict) or not isinstance(row.get("relpath"), str):
        raise BadListing(f"Entry {place} of the listing has no `relpath`.", where=f"{place}.relpath")
    found = row.get("md5")
    if not isinstance(found, str) or not MD5.fullmatch(found):
        raise BadListing(f"Entry {place} of the listing has no MD5 of 32 hex digits.", where=f"{place}.md5")
    return Listed(checked_path(row["relpath"]), found)


class _Composer(yaml.BaseLoader):
    """Scalars stay text (an MD5 may look like a number); no aliases, which can unfold without end; nothing deep."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise BadPointer("The pointer uses YAML aliases, which DVC does not write.", where="pointer")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadPointer("The pointer is nested too deeply.", where="pointer")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _composed(text: str) -> yaml.Node | None:
    if len(text) > MAX_POINTER:
        raise BadPointer(f"A pointer has at most {MAX_POINTER} characters.", where="pointer")
    try:
        return yaml.compose(text, _Composer)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "pointer"
        raise BadPointer(f"The pointer is not YAML: {error.problem or 'it ends too early'}.", where=where) from error
    except (yaml.YAMLError, ValueError) as error:  # odd characters
        raise BadPointer(f"The pointer is not YAML: {str(error).partition(chr(10))[0]}.", where="pointer") from error


def _plain(node: yaml.Node | None) -> Any:
    """The node as dicts, lists and text."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None or name in found:
                line = f"line {key.start_mark.line + 1}"
                what = "A key of the pointer is not a word." if name is None else f"The key {name!r} is there twice."
                raise BadPointer(what, where=line)
            found[name] = _plain(value)
        return found
    return None if node is None else node.value


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadPointer(
            "This is not a `.dvc` file: it has no keys here.", where=where, fix="Send a file of `dvc add`."
        )
    return value


def _items(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadPointer(f"The pointer has no list of `{where}`.", where=where, fix="Send a file of `dvc add`.")
    return value


def _digest_in(out: dict[str, Any]) -> str:
    if {"cloud", "files", "version_id"} & out.keys():
        raise BadPointer(
            "The pointer is cloud-versioned: it names versions of objects in a bucket, not contents.",
            where="outs.0",
            fix="Push to this server's remote without `version_aware` or `worktree`, and send the new pointer.",
        )
    if any(str(out.get(key)).lower() == "false" for key in ("cache", "push")):
        raise BadPointer("The output is kept out of DVC's cache or remote, so it is never pushed.", where="outs.0")
    if "md5" not in out:
        other = next((name for name in ("etag", "checksum") if name in out), None)
        what = f"by its {other}" if other else "no content yet"
        raise BadPointer(f"The pointer names {what}, not an MD5.", where="outs.0.md5", fix=_PUSH)
    digest = _word(out, "md5")
    if not DIGEST.fullmatch(digest):
        raise BadPointer(
            f"{digest[:80]!r} is no MD5 of DVC: 32 hex digits, with `.dir` for a folder.", where="outs.0.md5"
        )
    if out.get("hash") != "md5":
        old = "hash" not in out or out["hash"] == "md5-dos2unix"
        what = (
            "The pointer is of DVC 2, whose MD5 is not that of the bytes (line ends were changed first)."
            if old
            else f"The pointer's hash is {out['hash']!r}; only `md5` is taken."
        )
        fix = "Run `dvc cache migrate --dvc-files` and `dvc push`, and send the new pointer." if old else _PUSH
        raise BadPointer(what, where="outs.0.hash", fix=fix)
    return digest


def _word(out: dict[str, Any], key: str) -> str:
    value = out.get(key)
    if not isinstance(value, str) or not value:
        raise BadPointer(f"The output has no `{key}`.", where=f"outs.0.{key}")
    return value


def _count(out: dict[str, Any], key: str) -> int | None:
    value = out.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,18}", value):
        raise BadPointer(f"`{key}` is not a count.", where=f"outs.0.{key}")
    return int(value)


def _text(value: str) -> str:
    """`value` as a YAML scalar: plain when that is safe, else quoted as in JSON, which YAML reads."""
    return value if _PLAIN.match(value) and value.lower() not in _WORDS else json.dumps(value)

"""The text of a `.dvc` file, as DVC writes it (format 3: `hash: md5`). The API hands it out as a version's pointer."""

import json
import re
from collections.abc import Sequence

from domain.datasets.manifest import ManifestEntry

_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_./-]*$")
# Words that YAML would read as something other than text.
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def pointer(*, name: str, digest: str, entries: Sequence[ManifestEntry]) -> str:
    """The pointer to a version: to its one file, or to a folder that is called `name`."""
    size = sum(entry.size for entry in entries)
    if digest.endswith(".dir"):
        return f"outs:\n- md5: {digest}\n  size: {size}\n  nfiles: {len(entries)}\n  hash: md5\n  path: {_text(name)}\n"
    return f"outs:\n- md5: {digest}\n  size: {size}\n  hash: md5\n  path: {_text(entries[0].path)}\n"


def _text(value: str) -> str:
    """`value` as a YAML scalar: plain when that is safe, else quoted as in JSON, which YAML reads."""
    return value if _PLAIN.match(value) and value.lower() not in _WORDS else json.dumps(value)

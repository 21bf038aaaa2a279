"""Which dataset a `.dvc` pointer belongs to, and which changes of a commit are code. Pure functions on text."""

import re
from collections.abc import Collection, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from domain.datasets.specs import NAME_PATTERN

_REMOTE = re.compile(r"/dvc/([^/]+)/?$")
# What DVC itself writes beside the pointers: no code runs differently for it.
_DVC_FILES = frozenset({".dvcignore", ".gitignore"})


@dataclass(frozen=True)
class DvcConfig:
    """The part of `.dvc/config` that says where data is pushed to: remotes by name, and the default one."""

    default: str | None
    remotes: Mapping[str, Mapping[str, str]]


def is_pointer(path: str) -> bool:
    return path.endswith(".dvc") and PurePosixPath(path).name != ".dvc" and not path.startswith(".dvc/")


def is_code(path: str) -> bool:
    """Whether a change of this file may change what runs: anything but pointers and DVC's own files."""
    parts = PurePosixPath(path).parts
    return not (is_pointer(path) or ".dvc" in parts[:-1] or parts[-1] in _DVC_FILES)


def parse_config(text: str) -> DvcConfig:
    """`.dvc/config`, as `configobj` writes it. What cannot be read names no remotes."""
    parser = ConfigParser(interpolation=None, strict=False, comment_prefixes=("#",))
    try:
        parser.read_string("\n".join(line.strip() for line in text.splitlines()))
    except ConfigError:
        return DvcConfig(None, {})
    remotes = {}
    for section in parser.sections():
        found = re.fullmatch(r"""['"]?remote ["'](.+?)["']['"]?""", section)
        if found is not None:
            remotes[found[1]] = {key: _bare(value) for key, value in parser[section].items()}
    default = parser.get("core", "remote", fallback=None)
    return DvcConfig(_bare(default) if default else None, remotes)


def dataset_of(
    path: str,
    *,
    mapping: Mapping[str, str],
    remote: str | None,
    config: DvcConfig,
    known: Collection[str],
) -> str | None:
    """The dataset of the pointer at `path`, or None: by the mapping, by its remote's URL, by its own name.

    `remote` is what the pointer itself names; `known` are the datasets there are.
    """
    if path in mapping:
        return mapping[path]
    url = config.remotes.get(remote or config.default or "", {}).get("url", "")
    named = _REMOTE.search(urlsplit(url).path) if url.startswith(("http://", "https://")) else None
    if named is not None and re.match(NAME_PATTERN, named[1]):
        return named[1]
    name = PurePosixPath(path).name.removesuffix(".dvc")
    return next((stem for stem in (name, PurePosixPath(name).stem) if stem in known), None)


def follows(branch: str, patterns: Collection[str], default: str | None) -> bool:
    """Whether the branch is one of those to follow; without patterns it is the default one alone."""
    if not patterns:
        return branch == default
    return any(fnmatchcase(branch, pattern) for pattern in patterns)


def _bare(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value

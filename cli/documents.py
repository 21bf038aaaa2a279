"""Specs, suites and policies in YAML or JSON files: read with exact locations, for syntax errors and refusals alike."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cli.client import ClientError, Status


class _Loader(yaml.SafeLoader):
    """As YAML 1.2 has it: only `true` and `false` are booleans, `on` is a word (and a key of specs)."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in forms if letter in "tTfF" or tag != "tag:yaml.org,2002:bool"]
    for letter, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Document:
    """`name` is the file's; `root` is the parsed tree with its marks, `text` what was read.

    `embedded` are documents that stand in places of this one, each by its place: `("checks", "2", "suite")`.
    """

    name: str
    value: Any
    root: yaml.Node | None
    text: str = ""
    embedded: Mapping[tuple[str, ...], "Document"] = field(default_factory=dict)

    def place(self, pointer: str) -> str | None:
        """The line of what a JSON pointer (`/gates/0/min`) or a dotted path names, or of its nearest parent."""
        words = [word for word in pointer.replace(".", "/").split("/") if word not in {"", "body"}]
        for at, document in self.embedded.items():
            if tuple(words[: len(at)]) == at:
                return document.place("/".join(words[len(at) :])) or document.name
        node, found = self.root, False
        for word in words:
            child = _child(node, word)
            if child is None:
                continue
            node, found = child, True
        if node is None or not found:
            return None
        return f"{self.name}, line {node.start_mark.line + 1}"


def read_document(path: Path) -> Document:
    """A YAML or JSON file; `-` is standard input. Raises ClientError (usage) with line and column."""
    name = "standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise ClientError(f"Cannot read {name}: {error.strerror}.", status=Status.USAGE) from error
    except UnicodeDecodeError as error:
        raise ClientError(f"{name} is not text in UTF-8.", where=f"byte {error.start}", status=Status.USAGE) from error
    try:
        document = Document(name, yaml.load(text, _Loader), yaml.compose(text, _Loader), text)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else None
        message = f"{name} is not valid YAML: {error.problem or 'it cannot be read'}."
        raise ClientError(message, where=where, status=Status.USAGE) from error
    except yaml.YAMLError as error:
        raise ClientError(f"{name} is not valid YAML: {error}.", status=Status.USAGE) from error
    if document.value is None:
        raise ClientError(f"{name} is empty.", status=Status.USAGE)
    return document


def read_json(path: Path) -> Document:
    """A JSON file of another program; `-` is standard input. Raises ClientError (usage) with line and column."""
    name = "standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        value = json.loads(text, parse_constant=_no_constant)
    except OSError as error:
        raise ClientError(f"Cannot read {name}: {error.strerror}.", status=Status.USAGE) from error
    except UnicodeDecodeError as error:
        raise ClientError(f"{name} is not text in UTF-8.", where=f"byte {error.start}", status=Status.USAGE) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ClientError(f"{name} is not valid JSON: {error.msg}.", where=where, status=Status.USAGE) from error
    except (ValueError, RecursionError) as error:
        raise ClientError(f"{name} is not valid JSON: {error}.", status=Status.USAGE) from error
    return Document(name, value, _marks(text))


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not a value of JSON")


def _marks(text: str) -> yaml.Node | None:
    """JSON is YAML, but for tabs: without marks its places have no lines."""
    try:
        node: yaml.Node | None = yaml.compose(text, _Loader)
    except (yaml.YAMLError, RecursionError):
        return None
    return node


@contextmanager
def located(document: Document) -> Iterator[None]:
    """Where the server refuses what is in the document, say the line of the file too."""
    try:
        yield
    except ClientError as error:
        place = document.place(error.where) if error.where else None
        if place:
            error.where = f"{place} ({error.where})"
        raise


def _child(node: yaml.Node | None, word: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == word), None)
    if isinstance(node, yaml.SequenceNode) and word.isdigit() and int(word) < len(node.value):
        item: yaml.Node = node.value[int(word)]
        return item
    return None

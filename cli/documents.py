"""Specs, suites and policies in YAML or JSON files: read with exact locations, for syntax errors and refusals alike."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    """`name` is the file's; `root` is the parsed tree with its marks."""

    name: str
    value: Any
    root: yaml.Node | None

    def place(self, pointer: str) -> str | None:
        """The line of what a JSON pointer (`/gates/0/min`) or a dotted path names, or of its nearest parent."""
        words = [word for word in pointer.replace(".", "/").split("/") if word not in {"", "body"}]
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
        document = Document(name, yaml.load(text, _Loader), yaml.compose(text, _Loader))  # noqa: S506 - a SafeLoader
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

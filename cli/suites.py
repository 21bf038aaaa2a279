"""Check suites as files: suites of Great Expectations read into them, and suites written with a reason per check."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cli.client import ClientError, Status
from cli.documents import Document, read_document, read_json

WIDE = 10**6
ENDS_OF_LINES = dict.fromkeys(map(ord, "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), " ")


def read_suite(path: Path) -> Document:
    """A suite in YAML. Where a great_expectations check names a file (`suite: suite.json`), its content is put there.

    The file is looked for beside the suite, or in this folder for a suite from standard input.
    """
    document = read_document(path)
    folder = Path() if str(path) == "-" else path.parent
    checks = document.value.get("checks") if isinstance(document.value, dict) else None
    if not isinstance(checks, list):
        return document
    embedded: dict[tuple[str, ...], Document] = {}
    filled = []
    for place, check in enumerate(checks):
        named = check.get("suite") if isinstance(check, dict) and check.get("check") == "great_expectations" else None
        if isinstance(named, str):
            embedded["checks", str(place), "suite"] = inner = _beside(folder, named, document, place)
            filled.append({**check, "suite": inner.value})
        else:
            filled.append(check)
    return replace(document, value={**document.value, "checks": filled}, embedded=embedded)


def _beside(folder: Path, name: str, document: Document, place: int) -> Document:
    try:
        return read_json(folder / name)
    except ClientError as error:
        if error.where is None:
            error.where = document.place(f"checks/{place}/suite")
        raise


def suite_text(checks: Sequence[dict[str, Any]], reasons: Sequence[str], notes: Iterable[str], *, title: str) -> str:
    """A suite in YAML that `checks set` takes as it is: each check below its reason, the notes at the end."""
    lines = [f"# {_one_line(title)}", "checks:" if checks else "checks: []"]
    for check, reason in zip(checks, reasons, strict=True):
        lines += [f"  # {_one_line(reason)}"] if reason else []
        lines.append(f"  - {_flow(check)}")
    return "\n".join([*lines, *(f"# {_one_line(note)}" for note in notes), ""])


def write_suite(text: str, path: Path) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ClientError(f"Cannot write {path}: {error.strerror}.", status=Status.USAGE) from error


def bare(check: dict[str, Any]) -> dict[str, Any]:
    """A check without what the server filled in: nulls, and the severity that is meant without saying so."""
    kept = {key: value for key, value in check.items() if value is not None}
    return {key: value for key, value in kept.items() if (key, value) != ("severity", "error")}


def _flow(check: dict[str, Any]) -> str:
    kind = {"check": check["check"]}
    ordered = kind | {key: value for key, value in check.items() if key != "check"}
    return yaml.safe_dump(ordered, default_flow_style=True, sort_keys=False, allow_unicode=True, width=WIDE).strip()


def _one_line(text: str) -> str:
    return text.translate(ENDS_OF_LINES)

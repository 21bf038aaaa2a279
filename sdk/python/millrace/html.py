"""What notebooks show: small tables without any script. Every value is escaped, whoever made it up."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from html import escape
from typing import Any

_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"
_SHOWN_ROWS = 50
_LONGEST = 500
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def page(title: str, facts: Mapping[str, object], *tables: str) -> str:
    """A heading, facts one below the other (those that are None or empty are left out), and tables."""
    rows = "".join(
        f'<tr><th style="{_CELL};opacity:.6">{escape(name)}</th><td style="{_CELL}">{text(value)}</td></tr>'
        for name, value in facts.items()
        if value not in (None, "", [], {})
    )
    return f"<div><strong>{escape(title)}</strong><table>{rows}</table>{''.join(tables)}</div>"


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Rows below their columns; of many only the first, and how many there are."""
    every = list(rows)
    head = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{text(value)}</td>' for value in row) + "</tr>"
        for row in every[:_SHOWN_ROWS]
    )
    more = f"<p>{_SHOWN_ROWS} of {len(every):,}.</p>" if len(every) > _SHOWN_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def text(value: Any) -> str:
    """One value as escaped text."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, datetime):
        value = f"{value:%Y-%m-%d %H:%M:%S %Z}"
    elif isinstance(value, float):
        value = f"{value:.6g}"
    elif isinstance(value, Mapping):
        value = ", ".join(f"{name}={each}" for name, each in value.items())
    elif isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    said = "" if value is None else str(value)
    return escape(said if len(said) <= _LONGEST else said[:_LONGEST] + "…")


def size(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:,.4g} {unit}"
        count /= 1000
    return f"{count:,.4g} {_UNITS[-1]}"

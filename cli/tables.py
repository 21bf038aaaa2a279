"""How answers look to a person: tables, facts, and small formats. Values from the server are never markup."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

Cell = Callable[[Any], Any]
ABSENT = "-"
# Columns that are there to be copied: they stay in one piece.
WHOLE = {"id", "rollout", "run"}
COLOURS = {
    "succeeded": "green",
    "finished": "green",
    "validated": "green",
    "pass": "green",
    "passed": "green",
    "applied": "green",
    "live": "green",
    "clean": "green",
    "resolved": "green",
    "bit_identical": "green",
    "within_tolerance": "green",
    "not_reproduced": "red",
    "switched": "green",
    "running": "cyan",
    "warn": "yellow",
    "inconclusive": "yellow",
    "acknowledged": "yellow",
    "paused": "yellow",
    "fail": "red",
    "failed": "red",
    "rejected": "red",
    "rolled_back": "red",
    "overridden": "bold red",
    "superseded": "yellow",
    "open": "red",
    "damaged": "red",
    "deleted": "red",
}


class Rows:
    """A table where it fits; where the screen is too narrow for it, one fact per line and a rule between rows.

    A column may be folded down to its words or `LEAST` letters, and an id not at all: it is there to be copied.
    """

    LEAST = 12

    def __init__(self, headers: list[str], rows: list[list[Text]]) -> None:
        self._headers = headers
        self._rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._least() > options.max_width and len(self._headers) > 1:
            yield from self._records()
            return
        drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
        for header in self._headers:
            drawn.add_column(header, overflow="fold", no_wrap=header in WHOLE)
        for row in self._rows:
            drawn.add_row(*row)
        yield drawn

    def _least(self) -> int:
        """The width below which columns would be cut into pieces."""
        widths = []
        for place, header in enumerate(self._headers):
            longest = max((row[place].cell_len for row in self._rows), default=0)
            widths.append(max(len(header), longest if header in WHOLE else min(longest, self.LEAST)))
        return sum(widths) + 3 * (len(widths) - 1)

    def _records(self) -> Iterator[RenderableType]:
        for number, row in enumerate(self._rows):
            if number:
                yield Rule(style="dim")
            drawn = Table.grid(padding=(0, 2))
            drawn.add_column(style="dim", no_wrap=True)
            drawn.add_column(overflow="fold")
            for header, value in zip(self._headers, row, strict=True):
                drawn.add_row(header, value)
            yield drawn


def table(rows: Iterable[Any], columns: Mapping[str, object], *, empty: str = "None yet.") -> RenderableType:
    """One line per row. A column takes a key of the row, or computes its cell."""
    drawn = [[cell(_take(row, source)) for source in columns.values()] for row in rows]
    return Rows(list(columns), drawn) if drawn else Text(empty)


def facts(pairs: Mapping[str, Any]) -> RenderableType:
    """Names and values, one pair a line; what is absent is left out."""
    drawn = Table.grid(padding=(0, 2))
    for name, value in pairs.items():
        if value is not None and value not in ("", [], {}):
            drawn.add_row(Text(name, style="dim"), cell(value))
    return drawn


def stack(*parts: RenderableType | None) -> RenderableType:
    """One part below the other."""
    return Group(*(part for part in parts if part is not None))


def sentence(text: str) -> RenderableType:
    return Text(text)


def cell(value: Any) -> Text:
    """A value as a person reads it: states coloured, numbers short, nothing as a dash."""
    if isinstance(value, Text):
        return value
    return Text(_words(value), style=COLOURS.get(str(value), ""))


def _words(value: Any) -> str:
    match value:
        case None:
            return ABSENT
        case bool():
            return "yes" if value else "no"
        case float():
            return number(value)
        case list():
            return ", ".join(map(_words, value))
        case dict():
            return ", ".join(f"{name}={_words(item)}" for name, item in value.items())
        case _:
            return str(value)


def number(value: float | None) -> str:
    """Four significant digits, without an exponent where that stays readable."""
    if value is None:
        return ABSENT
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def size(count: int | None) -> str:
    """Bytes, in the unit that keeps the number small."""
    if count is None:
        return ABSENT
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def share(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.1%}"


def when(moment: str | None) -> str:
    """An ISO time of the server in the local zone, to the second."""
    if moment is None:
        return ABSENT
    at = datetime.fromisoformat(moment)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def at(key: str) -> Cell:
    """A column of times."""
    return lambda row: when(row.get(key))


def _take(row: Any, source: object) -> Any:
    return source(row) if callable(source) else row.get(source)

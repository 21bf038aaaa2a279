"""Tables on narrow screens."""

import io

import pytest
from rich.console import Console

from cli.tables import table

ID = "01a21644-a25e-77ee-9edf-fc33ca8363d8"
ROWS = [
    {"id": ID, "kind": "RunDataChecks", "subject": "datasets/bikes/versions/1", "state": "succeeded", "at": "noon"},
    {"id": ID, "kind": "Train", "subject": "runs/1", "state": "failed", "at": "2026-11-26 05:12:06"},
]


def drawn(width: int) -> str:
    screen = Console(file=io.StringIO(), width=width, legacy_windows=False)
    screen.print(table(ROWS, {name: name for name in ROWS[0]}))
    shown = screen.file
    assert isinstance(shown, io.StringIO)
    return shown.getvalue()


@pytest.mark.parametrize("width", [50, 80, 120, 240])
def test_ids_stay_in_one_piece_and_nothing_is_too_wide(width: int) -> None:
    lines = drawn(width).splitlines()
    assert sum(ID in line for line in lines) == 2
    assert max(map(len, lines)) <= width


def test_a_screen_that_is_wide_enough_has_a_line_per_row() -> None:
    assert len(drawn(120).strip().splitlines()) == 4


def test_a_narrow_one_has_a_line_per_fact() -> None:
    assert "subject  datasets/bikes/versions/1" in drawn(80)

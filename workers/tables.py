"""Dataset versions as tables: opened from the store under their own names. Used by whoever computes on a version."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import polars as pl

from domain.datasets import queries
from domain.datasets.models import DatasetVersion
from domain.datasets.specs import TableFormat
from domain.errors import Invalid
from ml import frames
from workers.toolbox import Toolbox


class NotATable(Invalid):
    """The version is a folder of files, and the work needs rows and columns."""

    code = "not_a_table"


@contextmanager
def open_table(tools: Toolbox, version: DatasetVersion) -> Iterator[pl.LazyFrame]:
    """The version's table while inside: its file, or for a folder the table of its files (path, size, md5).

    Raises what `ml.frames.scan` raises for a file that cannot be read; its name is the one it was uploaded under.
    """
    with tools.runtime.reading() as session:
        files = queries.files_of(session, version)
    if version.format == "folder":
        rows = [(file.path, file.size, file.md5) for file in files]
        yield pl.LazyFrame(rows, {"path": pl.String, "size": pl.Int64, "md5": pl.String}, orient="row")
        return
    with TemporaryDirectory(dir=tools.scratch) as folder:
        path = Path(folder, files[0].path)
        tools.runtime.contents.fetch(files[0].md5, path)
        yield frames.scan(path, cast("TableFormat", version.format))


def read_version(tools: Toolbox, version: DatasetVersion) -> pl.LazyFrame:
    """The rows of a version, in memory. Raises `NotATable` for a folder, and as `open_table`."""
    if version.format == "folder":
        name = version.dataset.name
        raise NotATable(f"Version {version.number} of {name!r} is a folder of files, not a table.", where=name)
    with open_table(tools, version) as frame:
        return frame.collect().lazy()

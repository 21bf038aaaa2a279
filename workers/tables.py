"""Dataset versions as tables: opened from the store under their own names. Used by whoever computes on a version."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import polars as pl
from polars.exceptions import PolarsError

from domain.datasets import queries
from domain.datasets.models import DatasetVersion
from domain.datasets.specs import TableFormat
from domain.errors import Invalid
from ml import frames
from ml.predicates import reason
from workers.dataset_cache import cache_key
from workers.toolbox import Toolbox


class NotATable(Invalid):
    """The version is a folder of files, and the work needs rows and columns."""

    code = "not_a_table"


@contextmanager
def open_table(tools: Toolbox, version: DatasetVersion) -> Iterator[pl.LazyFrame]:
    """The version's table while inside: its file, or for a folder the table of its files (path, size, md5).

    It comes from this machine's cache, parsed only by the first job that asks for it. Raises what `ml.frames.scan`
    raises for a file that cannot be read; its name is the one it was uploaded under.
    """
    with tools.runtime.reading() as session:
        files = queries.files_of(session, version)
    if version.format == "folder":
        rows = [(file.path, file.size, file.md5) for file in files]
        yield pl.LazyFrame(rows, {"path": pl.String, "size": pl.Int64, "md5": pl.String}, orient="row")
        return
    table_format = cast("TableFormat", version.format)
    with TemporaryDirectory(dir=tools.scratch) as folder:
        # The store knows the file by its digest; messages should know it by its name.
        path = Path(folder, files[0].path)

        def parse() -> pl.LazyFrame:
            tools.runtime.contents.fetch(files[0].md5, path)
            return frames.scan(path, table_format)

        try:
            frame = tools.cache.table(cache_key(version.digest, table_format), parse)
        except PolarsError as error:  # Parquet is read here, beyond its footer, for the first time
            raise frames.BrokenTable(f"The file cannot be read: {reason(error)}.", where=path.name) from error
        yield frame


def read_version(tools: Toolbox, version: DatasetVersion) -> pl.LazyFrame:
    """The rows of a version, in memory. Raises `NotATable` for a folder, and as `open_table`."""
    if version.format == "folder":
        name = version.dataset.name
        raise NotATable(f"Version {version.number} of {name!r} is a folder of files, not a table.", where=name)
    with open_table(tools, version) as frame:
        return frame.collect().lazy()

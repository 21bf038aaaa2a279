"""Which engine a version's table is checked on: what the suite says, and where it leaves the choice, by size."""

import polars as pl

from adapters.spark import Spark
from domain.data_checks.specs import EngineName
from ml.engines import IN_MEMORY, STREAMING, Engine, size_of
from workers.toolbox import Toolbox


def engine_for(tools: Toolbox, wanted: EngineName, table: pl.LazyFrame) -> Engine:
    """`auto` is Polars: in memory up to `memory_limit_bytes`, streaming above."""
    settings = tools.runtime.settings
    if wanted == "spark":
        return Spark(settings.spark_url, tools.scratch)
    if wanted == "auto" and size_of(table) > settings.memory_limit_bytes:
        return STREAMING
    return IN_MEMORY

"""Spark as an engine of data checks and profiles, for tables that one machine is too small for.

Only workers import it. It needs the extra `spark` and a Java runtime, and says so where one is missing.
"""

import importlib
import os
import re
import shutil
import socket
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import narwhals as nw
import polars as pl
from polars.exceptions import PolarsError

from domain.errors import Invalid, Unavailable
from ml.engines import Distinct, Frame, Measure, Rows, Uncomputable, Wheres, numbered
from ml.predicates import reason

try:
    from py4j.protocol import Py4JError, Py4JJavaError
    from pyspark.errors import PySparkException, PythonException
    from pyspark.sql import SparkSession, functions
except ModuleNotFoundError:
    INSTALLED = False
else:
    INSTALLED = True

COLUMNS_AT_ONCE = 8
CONNECT_SECONDS = 5.0
START_SECONDS = 300.0
"""A cold Java machine takes 5 to 60 seconds; a cluster that has given no first answer by then is taken for away."""
_MASTER = re.compile(r"local(\[(\*|\d+)(, ?\d+)?\])?|spark://[^/:]+:\d+(,[^/:]+:\d+)*|yarn|k8s://.+")
_SPARK_TYPES = {pl.Int64(): "bigint", pl.Float64(): "double", pl.String(): "string", pl.Boolean(): "boolean"}
_LOG4J = Path(__file__).with_name("spark_log4j2.properties")


class BadSparkUrl(Invalid):
    code = "bad_spark_url"


class NoSpark(Invalid):
    """PySpark or Java is not installed where the worker runs."""

    code = "no_spark"


class SparkAway(Unavailable):
    code = "spark_away"


class SparkRows(Rows):
    """Queries run by Spark, one after the other; their results come back as Arrow."""

    def collect(self, queries: Sequence[Frame]) -> list[pl.DataFrame]:
        return [_collected(query.to_native()) for query in queries]

    def measure(self, measures: Mapping[Any, Measure]) -> dict[Any, Any]:
        distinct = {key: measure for key, measure in measures.items() if isinstance(measure, Distinct)}
        others = {key: measure for key, measure in measures.items() if key not in distinct}
        with _reasons():
            found = super().measure(others)
            return (
                found | self._distinct({key: measure.column for key, measure in distinct.items()})
                if distinct
                else found
            )

    def _distinct(self, columns: Mapping[Any, nw.Expr]) -> dict[Any, int]:
        """All columns of one type in one long table of (column, value).

        Side by side Spark would copy every row for every column: three times slower for 42 columns.
        """
        wide = self.frame.select(*(column.alias(str(place)) for place, column in enumerate(columns.values())))
        types = wide.collect_schema()
        found: dict[str, int] = {}
        for dtype in dict.fromkeys(types.values()):
            names = [name for name in types if types[name] == dtype]
            pairs = wide.select(*names).unpivot(names, variable_name="of", value_name="value").group_by("of", "value")
            (counted,) = self.collect([pairs.agg(nw.len().alias("rows")).group_by("of").agg(nw.len().alias("values"))])
            found |= dict(counted.rows())
        return {key: found.get(str(place), 0) for place, key in enumerate(columns)}

    def quantiles(self, values: Frame, shares: Sequence[float]) -> list[list[float | None]]:
        """A few columns at a time: for exact quantiles Spark counts every distinct value of a column."""
        native, found = values.to_native(), list[Any]()
        for first in range(0, len(native.columns), COLUMNS_AT_ONCE):
            few = native.columns[first : first + COLUMNS_AT_ONCE]
            found += _collected(native.agg(*(functions.percentile(name, list(shares)) for name in few))).row(0)
        return [at if at is not None else [None] * len(shares) for at in found]

    def count(self, mask: nw.Expr) -> nw.Expr:
        return mask.cast(nw.Int8).sum()  # Spark does not add up booleans

    def literal(self, value: Any) -> Any:
        if isinstance(value, datetime):  # bare, Spark would take it for one in the zone of this machine
            return value.replace(tzinfo=UTC)
        return Decimal(value) if isinstance(value, int) and abs(value) >= 2**63 else value


@dataclass(frozen=True)
class Spark:
    """Spark at `url`, a master as Spark spells it: `local[*]`, `spark://host:7077`, `yarn`, `k8s://…`.

    A table is handed over as Parquet in `scratch`, which a cluster has to see under the same path.
    """

    url: str
    scratch: Path

    @property
    def name(self) -> str:
        return "Spark"

    @contextmanager
    def open(self, table: pl.LazyFrame, wheres: Sequence[str] = ()) -> Iterator[Rows]:
        """Raises `BadSparkUrl`, `NoSpark` or `SparkAway`."""
        session = _session(self.url)
        with TemporaryDirectory(dir=self.scratch, prefix="spark-") as folder:
            path = Path(folder, "table.parquet").absolute()
            answers = _write(table, wheres, path)
            frame = nw.from_native(session.read.parquet(path.as_uri()))
            yield SparkRows(frame, table.collect_schema(), answers)

    def mapped(
        self, table: pl.DataFrame, function: Callable[[Iterator[Any]], Iterator[Any]], schema: pl.Schema
    ) -> pl.DataFrame:
        """Rows through a function on the executors: from Arrow batches of `table` to batches of `schema`, in any order.

        The function is pickled; what it imports has to be installed there. Raises as `open`, and `Uncomputable` where
        the function does.
        """
        session = _session(self.url)
        with TemporaryDirectory(dir=self.scratch, prefix="spark-") as folder:
            path = Path(folder, "table.parquet").absolute()
            table.write_parquet(path)
            with _reasons():
                frame = session.read.parquet(path.as_uri()).repartition(2 * session.sparkContext.defaultParallelism)
                columns = ", ".join(f"{name} {_SPARK_TYPES[dtype]}" for name, dtype in schema.items())
                with _without_pandas():
                    mapped = frame.mapInArrow(function, columns)
                return _collected(mapped)


def _write(table: pl.LazyFrame, wheres: Sequence[str], path: Path) -> Wheres:
    """The rows as Parquet, piece by piece. A predicate that fails on some row is left out, and asking it raises why."""
    frame, answers = numbered(table, wheres)
    try:
        frame.sink_parquet(path)
    except PolarsError:
        broken = {sql: error for sql in answers if (error := _failure(table, sql))}
        if not broken:
            raise
        return {**_write(table, [sql for sql in wheres if sql not in broken], path), **broken}
    return answers


def _failure(table: pl.LazyFrame, sql: str) -> Uncomputable | None:
    frame, answers = numbered(table, [sql])
    column = answers[sql]
    try:
        if isinstance(column, str):
            frame.select(pl.col(column).sum()).collect(engine="streaming")
    except PolarsError as error:
        return Uncomputable(reason(error))
    return None


def _collected(native: Any) -> pl.DataFrame:
    """The rows of a Spark frame; whole numbers that Spark keeps as decimals (unsigned ones) are integers again."""
    with _reasons():
        found = pl.DataFrame(native.toArrow())
    return found.with_columns(
        pl.col(name).cast(pl.Int128) for name, dtype in found.schema.items() if dtype.is_decimal()
    )


@contextmanager
def _reasons() -> Iterator[None]:
    """What Spark raises, as `Uncomputable`, or as `SparkAway` where its process is gone."""
    try:
        yield
    except PythonException as error:  # of our own code on an executor, with its traceback
        raise Uncomputable(str(error).strip().rpartition("\n")[2]) from error
    except PySparkException as error:
        raise Uncomputable(_first_line(error)) from error
    except Py4JJavaError as error:
        raise Uncomputable(_first_line(error.java_exception)) from error
    except (Py4JError, OSError) as error:
        raise SparkAway("The connection to Spark broke off.", where="spark", fix="Try again.") from error


def _session(url: str) -> "SparkSession":
    """The session of this process, started when it is first asked for; it stays until the process ends."""
    if not INSTALLED:
        raise NoSpark(
            "This worker has no PySpark.", where="engine", fix="Install `millrace[spark]`, or use `engine: auto`."
        )
    if not _MASTER.fullmatch(url):
        fix = "Use local[*], spark://host:7077, yarn or k8s://…"
        raise BadSparkUrl(f"{url!r} is no Spark master.", where="MILLRACE_SPARK_URL", fix=fix)
    active = SparkSession.getActiveSession()
    if active is not None and _answers(active, url):
        return active
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else Path("java")
    if shutil.which(java) is None:
        raise NoSpark(
            "This worker has no Java, which Spark runs on.",
            where="engine",
            fix="Install a Java runtime (17 or newer), or use `engine: auto`.",
        )
    _knock(url)
    return _bounded(lambda: _start(url), url)


def _start(url: str) -> "SparkSession":
    builder = SparkSession.builder.master(url).appName("millrace")
    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        "spark.sql.session.timeZone": "UTC",
    }
    if url.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else it is whatever `python3` is
        options |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        }
    for name, value in options.items():
        builder = builder.config(name, value)
    with _without_pandas():
        importlib.import_module("pyspark.testing.utils")
    os.environ.setdefault("SPARK_SUBMIT_OPTS", f"-Dlog4j2.configurationFile={_LOG4J.as_uri()}")
    session = builder.getOrCreate()
    session.range(1).count()
    return session


@contextmanager
def _without_pandas() -> Iterator[None]:
    """We give Spark no pandas frames, and take none, so that what it says of their version is no concern of ours."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _answers(session: "SparkSession", url: str) -> bool:
    """Whether it is up and of this master; one that is not is stopped, and another can be started."""
    with suppress(PySparkException, Py4JError, OSError):
        if session.sparkContext.master == url and session.range(1).count() == 1:
            return True
        session.stop()
    return False


def _knock(url: str) -> None:
    """A master that nobody listens at is found out here: Spark itself would try again for minutes."""
    if not url.startswith("spark://"):
        return
    refused: OSError | None = None
    for place in url.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            refused = error
        else:
            return
    raise _away(url, "nobody answers there") from refused


def _bounded(start: Callable[[], "SparkSession"], url: str, seconds: float = START_SECONDS) -> "SparkSession":
    """`start`, but no longer than that: a cluster may accept an application and never give it an executor."""
    done: SimpleQueue[SparkSession | Exception] = SimpleQueue()

    def run() -> None:
        try:
            done.put(start())
        except Exception as error:  # noqa: BLE001 - carried to the caller's thread
            done.put(error)

    Thread(target=run, name="spark-start", daemon=True).start()
    try:
        started = done.get(timeout=seconds)
    except Empty:
        raise _away(url, f"no answer within {seconds:g} seconds") from None
    if isinstance(started, Exception):
        raise _away(url, _first_line(started)) from started
    return started


def _away(url: str, why: str) -> SparkAway:
    fix = "Check MILLRACE_SPARK_URL and that the cluster is up."
    return SparkAway(f"Spark at {url!r} cannot be used: {why}.", where="MILLRACE_SPARK_URL", fix=fix)


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")

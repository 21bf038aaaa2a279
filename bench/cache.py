"""A table of the size of kddcup99 (494,021 rows, 42 columns): its csv parsed, against the table mapped from the cache.

Then ten epochs of gradient descent over it. Ours asks the dataset cache for the table in each, as ten jobs would, and
is told twice: with the first job, which parses and fills the cache, and from a cache that has it. The peer parses the
csv in each, with bare Polars. `python -m bench.cache [CSV]` prints the rows, of a file of one's own if one is named.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from bench.table import BenchRow
from ml import frames
from workers.dataset_cache import DatasetCache

ROWS = 494_021
EPOCHS = 10
ROUNDS = 3
LIMIT = 2**33
FEATURES = 8


def run(csv: Path | None = None) -> list[BenchRow]:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        if csv is None:
            csv = Path(folder, "table.csv")
            _table().write_csv(csv)
        return _measured(csv, Path(folder, "cache"))


def _measured(csv: Path, folder: Path) -> list[BenchRow]:
    cache = DatasetCache(folder, LIMIT)

    def parse() -> pl.DataFrame:
        return pl.read_csv(csv)  # types from the first rows alone: faster than ours, which looks at all of them

    def ask(cache: DatasetCache) -> pl.DataFrame:
        return cache.table("kddcup", lambda: frames.scan(csv, "csv")).collect()

    def ask_anew() -> pl.DataFrame:
        (folder / "kddcup.arrow").unlink(missing_ok=True)
        return ask(DatasetCache(folder, LIMIT))

    table = parse()
    parsed, first = _best(parse), _best(ask_anew)
    ask(cache)
    # A process compares the file with its seal when it meets it, and trusts it from then on.
    met, mapped = _best(lambda: ask(DatasetCache(folder, LIMIT))), _best(lambda: ask(cache))
    # One round: each of its epochs is one already.
    peer = _best(lambda: _train(parse), rounds=1)
    cold = _best(lambda: _train_from_nothing(csv, folder / "cold"), rounds=1)
    warm = _best(lambda: _train(lambda: ask(cache)))
    what = f"bare Polars parses the csv ({table.height:,} rows, {table.width} columns, {csv.stat().st_size >> 20} MB)"
    each = f"{what} in each"
    return [
        BenchRow("table, first job (fills the cache)", first * 1000, parsed * 1000, "ms", first / parsed, what),
        BenchRow("table, first job of another process", met * 1000, parsed * 1000, "ms", met / parsed, "the same"),
        BenchRow("table, any later job", mapped * 1000, parsed * 1000, "ms", mapped / parsed, "the same"),
        BenchRow(f"{EPOCHS} epochs from the cache", warm, peer, "s", warm / peer, each),
        BenchRow(f"{EPOCHS} epochs, the first load counted", cold, peer, "s", cold / peer, each),
    ]


def _train_from_nothing(csv: Path, folder: Path) -> None:
    cache = DatasetCache(folder, LIMIT)
    _train(lambda: cache.table("kddcup", lambda: frames.scan(csv, "csv")).collect())
    shutil.rmtree(folder)


def _train(load: Callable[[], pl.DataFrame]) -> None:
    """Epochs of logistic regression on the first numbers, each from a table that is loaded for it."""
    weights = np.zeros(FEATURES)
    for _ in range(EPOCHS):
        weights -= 0.1 * _gradient(load(), weights)
    assert np.isfinite(weights).all()


def _gradient(table: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    target = table.to_series(table.width - 1)
    is_first = (target == target[0]).to_numpy()
    numbers = [column.to_numpy() for column in table if column.dtype.is_numeric()][:FEATURES]
    scales = [max(1.0, float(np.abs(column).max())) for column in numbers]
    score = sum(weight / scale * column for weight, scale, column in zip(weights, scales, numbers, strict=True))
    error = 1 / (1 + np.exp(-score)) - is_first
    return np.array([error @ column / scale / len(error) for scale, column in zip(scales, numbers, strict=True)])


def _table() -> pl.DataFrame:
    """Connections as in kddcup99: counts, most of them zero, rates of two digits, and a few words."""
    random = np.random.default_rng(0)
    bytes_ = (random.pareto(1.2, (2, ROWS)) * 200).astype(int)
    words = {
        "protocol_type": random.choice(["tcp", "udp", "icmp"], ROWS, p=[0.4, 0.1, 0.5]),
        "service": random.choice([f"service_{number}" for number in range(66)], ROWS),
        "flag": random.choice(["SF", "S0", "REJ", "RSTR"], ROWS, p=[0.77, 0.17, 0.05, 0.01]),
    }
    counts = {f"count_{number}": random.poisson(0.1 * number, ROWS) for number in range(17)}
    windows = {f"window_{number}": random.integers(0, 512, ROWS) for number in range(4)}
    rates = {f"rate_{number}": random.beta(0.3, 0.3, ROWS).round(2) for number in range(15)}
    label = {"label": random.choice(["smurf.", "neptune.", "normal.", "back."], ROWS, p=[0.57, 0.22, 0.2, 0.01])}
    sizes = {"src_bytes": bytes_[0], "dst_bytes": bytes_[1]}
    return pl.DataFrame({**words, **sizes, **counts, **windows, **rates, **label})


def _best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    for row in run(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        print(row)

"""Models as serving has them, and tables as rows for them: how workers score frozen rows and probe a new version."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from ml.frames import rows_as_json
from ml.models import Predictions
from ml.splits import row_hashes
from serving.engine import Engine, Loaded
from serving.packages import PackageCache
from workers.toolbox import Toolbox

# The column that holds the model's own answers in references and windows.
PREDICTION = "(prediction)"
_ROWS_AT_ONCE = 2_000


@contextmanager
def engine(tools: Toolbox) -> Iterator[Engine]:
    """An engine like the one that serves, over the packages of the model store."""
    cache = PackageCache(tools.runtime.models, tools.scratch / "packages")
    opened = Engine(cache, trusted=tools.runtime.settings.trusted)
    try:
        yield opened
    finally:
        opened.close()


def score(loaded: Loaded, frame: pl.DataFrame) -> Predictions:
    """The model's answers for the rows of `frame`, which may have more columns than the model asks for."""
    names = [column.name for column in loaded.model.signature.inputs]
    rows: list[dict[str, Any]] = rows_as_json(frame.select(names))
    parts = [loaded.model.predict(rows[start : start + _ROWS_AT_ONCE]) for start in range(0, len(rows), _ROWS_AT_ONCE)]
    return joined(parts)


def joined(parts: list[Predictions]) -> Predictions:
    """Answers of several calls as one."""
    stacked = [part.probabilities for part in parts]
    probabilities = (
        pl.concat([pl.DataFrame(one) for one in stacked if one is not None]).to_numpy()
        if parts and stacked[0] is not None
        else None
    )
    return Predictions(
        [value for part in parts for value in part.values], probabilities, parts[0].classes if parts else []
    )


class UnknownRows(Invalid):
    """Nobody kept which inputs the model was trained on."""

    code = "unknown_training_rows"


def seen_rows(tools: Toolbox, frame: pl.DataFrame, columns: Sequence[str], hashes_md5: str) -> NDArray[np.bool_]:
    """Which rows are, in `columns`, among the hashes kept of a training: `train_inputs_md5`, or `train_rows_md5`.

    Who leaves out what a model was trained on asks by the inputs alone. If a row that was labelled anew counted as
    another one, a champion would be judged on just those rows of its training whose labels have changed.
    Raises `UnknownRows` for a training from before the inputs were kept.
    """
    if not hashes_md5:
        raise UnknownRows("It was not kept which inputs the model was trained on.", fix="Train it again.")
    hashes = np.frombuffer(tools.runtime.contents.read(hashes_md5), dtype=np.uint64)
    return np.isin(row_hashes(frame, list(columns)), hashes)


def read_parquet(tools: Toolbox, md5: str) -> pl.DataFrame:
    """A table kept in the data store under its MD5."""
    return pl.read_parquet(BytesIO(tools.runtime.contents.read(md5)))

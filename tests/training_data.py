"""Small real tables for the tests that train through the doors, and a way to make a checked dataset of one."""

from io import BytesIO
from typing import Final

import httpx
import polars as pl
from sklearn.datasets import load_breast_cancer, load_diabetes

from tests.conftest import Drain


def _tumours() -> pl.DataFrame:
    data = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names[:6]]
    frame = pl.DataFrame(data.data[:, :6], schema=names)
    return frame.with_columns(label=pl.Series([str(data.target_names[label]) for label in data.target]))


def _patients() -> pl.DataFrame:
    data = load_diabetes(as_frame=False)
    columns = {name: data.data[:, place] for place, name in enumerate(data.feature_names)}
    frame = pl.DataFrame({name: columns[name] for name in ("bmi", "bp", "s5")})
    return frame.with_columns(
        sex=pl.Series(columns["sex"] > 0).replace_strict({True: "m", False: "f"}), progress=pl.Series(data.target)
    )


TUMOURS: Final = _tumours()
"""569 real tumours: six measures and the label as text."""
PATIENTS: Final = _patients()
"""442 real patients: three measures, the sex, and how the disease went."""


def as_csv(frame: pl.DataFrame) -> bytes:
    out = BytesIO()
    frame.write_csv(out)
    return out.getvalue()


def upload(client: httpx.Client, name: str, frame: pl.DataFrame) -> int:
    """Send the table as the next version of the dataset; its number."""
    answer = client.post(f"datasets/{name}/versions", files=[("files", (f"{name}.csv", as_csv(frame)))])
    assert answer.status_code == 201, answer.text
    return int(answer.json()["number"])


def make_dataset(client: httpx.Client, drain: Drain, name: str, frame: pl.DataFrame) -> None:
    """A dataset with one version whose checks have run."""
    assert client.post("datasets", json={"name": name}).status_code == 201
    upload(client, name, frame)
    drain()

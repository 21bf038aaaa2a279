"""Versions as tables: what a job gets, that the second one gets it without the store, and what it is told."""

import shutil
from pathlib import Path

import httpx
import polars as pl
import pytest

from domain.datasets import queries
from domain.datasets.models import DatasetVersion
from ml.frames import BrokenTable
from workers.tables import NotATable, open_table, read_version
from workers.toolbox import Toolbox


@pytest.fixture
def upload(client: httpx.Client, tools: Toolbox) -> "Upload":
    return Upload(client, tools)


class Upload:
    """Makes a version from files by name, `a_csv` being `a.csv`."""

    def __init__(self, client: httpx.Client, tools: Toolbox) -> None:
        self._client = client
        self._tools = tools
        for name in ("people", "others"):
            client.post("datasets", json={"name": name}).raise_for_status()

    def __call__(self, dataset: str = "people", **files: bytes) -> DatasetVersion:
        parts = [("files", (name.replace("_", "."), data)) for name, data in files.items()]
        answer = self._client.post(f"datasets/{dataset}/versions", files=parts)
        answer.raise_for_status()
        with self._tools.runtime.reading() as session:
            return queries.get_version_by_id(session, answer.json()["id"])


def lose_the_store(tools: Toolbox) -> None:
    shutil.rmtree(Path(tools.runtime.settings.store_url))


class TestOpenTable:
    @pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
    def test_reads_the_store_only_the_first_time(
        self, tools: Toolbox, upload: Upload, tmp_path: Path, ending: str
    ) -> None:
        rows = pl.DataFrame({"age": [39, None, 50], "name": ["Ada", "Bo", None]})
        {"csv": rows.write_csv, "parquet": rows.write_parquet, "jsonl": rows.write_ndjson}[ending](tmp_path / "t")  # type: ignore[operator]
        files = {f"people_{ending}": (tmp_path / "t").read_bytes()}
        version = upload("people", **files)
        with open_table(tools, version) as first:
            assert first.collect().equals(rows)
        lose_the_store(tools)
        with open_table(tools, version) as second:
            assert second.collect().equals(rows)

    def test_leaves_nothing_in_scratch(self, tools: Toolbox, upload: Upload) -> None:
        with open_table(tools, upload(a_csv=b"x\n1\n")) as frame:
            kept = frame
        assert list(tools.scratch.iterdir()) == []
        assert kept.collect().rows() == [(1,)]

    def test_says_the_name_and_line_of_a_broken_file_each_time(self, tools: Toolbox, upload: Upload) -> None:
        version = upload(people_csv=b"a,b\n1,2\n1,2,3\n")
        for _ in range(2):
            with pytest.raises(BrokenTable) as told, open_table(tools, version):
                pass
            assert told.value.where == "people.csv, line 3"

    def test_says_the_name_of_a_parquet_file_that_is_damaged_inside(
        self, tools: Toolbox, upload: Upload, tmp_path: Path
    ) -> None:
        pl.DataFrame({"x": range(50_000)}).write_parquet(tmp_path / "t", compression="zstd")
        damaged = bytearray((tmp_path / "t").read_bytes())
        damaged[4:2000] = bytes(1996)
        with pytest.raises(BrokenTable) as told, open_table(tools, upload(people_parquet=bytes(damaged))):
            pass
        assert told.value.where == "people.parquet"

    def test_same_bytes_under_another_format_are_another_table(self, tools: Toolbox, upload: Upload) -> None:
        data = b'{"x": 1}\n{"x": 2}\n'
        with open_table(tools, upload(a_jsonl=data)) as lines:
            assert lines.collect().rows() == [(1,), (2,)]
        with open_table(tools, upload("others", a_csv=data)) as fields:
            assert fields.collect().rows() == [('{"x": 2}',)]

    def test_gives_a_folder_as_the_table_of_its_files(self, tools: Toolbox, upload: Upload) -> None:
        version = upload(a_csv=b"x\n1\n", b_csv=b"x\n2\n")
        with open_table(tools, version) as files:
            assert files.collect()["path"].to_list() == ["a.csv", "b.csv"]
        assert not tools.runtime.settings.cache_dir.exists()


class TestReadVersion:
    def test_gives_rows_that_outlive_the_cache(self, tools: Toolbox, upload: Upload) -> None:
        rows = read_version(tools, upload(a_csv=b"x\n1\n2\n"))
        shutil.rmtree(tools.runtime.settings.cache_dir)
        assert rows.collect().rows() == [(1,), (2,)]

    def test_refuses_a_folder(self, tools: Toolbox, upload: Upload) -> None:
        with pytest.raises(NotATable):
            read_version(tools, upload(a_csv=b"x\n1\n", b_csv=b"x\n2\n"))

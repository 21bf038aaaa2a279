"""Sealed Arrow files: what is written comes back mapped, and nothing that was damaged comes back at all."""

from pathlib import Path

import polars as pl
import pytest

from ml.arrow_files import DamagedTable, least_bytes, map_sealed, write_sealed

TABLE = pl.DataFrame(
    {
        "whole": [1, None, -(2**62)],
        "small": pl.Series([1, None, 255], dtype=pl.UInt8),
        "number": [0.5, float("nan"), None],
        "single": pl.Series([0.5, float("inf"), None], dtype=pl.Float32),
        "text": ["", None, "a text that is longer than a view holds"],
        "flag": [True, None, False],
        "time": pl.Series([1_577_836_800_000_000, None, -1], dtype=pl.Datetime("us")),
        "nothing": pl.Series([None, None, None], dtype=pl.String),
    }
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "table.arrow"
    write_sealed(TABLE.lazy(), path)
    return path


class TestMapSealed:
    def test_gives_the_rows_and_types_that_were_written(self, path: Path) -> None:
        frame, _ = map_sealed(path, trusted=set())
        assert frame.schema == TABLE.schema
        assert frame.equals(TABLE)

    def test_maps_the_file_and_copies_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "long.arrow"
        write_sealed(pl.LazyFrame({"x": range(300_000), "y": [0.5] * 300_000}), path)
        frame, _ = map_sealed(path, trusted=set())
        assert str(path) in Path("/proc/self/maps").read_text()
        assert frame.n_chunks() == 1
        assert not frame["x"].to_numpy(allow_copy=False).flags.owndata

    def test_stays_whole_when_the_file_is_unlinked(self, path: Path) -> None:
        frame, _ = map_sealed(path, trusted=set())
        path.unlink()
        assert frame.equals(TABLE)
        del frame
        assert str(path) not in Path("/proc/self/maps").read_text()

    def test_takes_a_parquet_file_that_was_not_read_yet(self, tmp_path: Path) -> None:
        TABLE.write_parquet(tmp_path / "t.parquet")
        write_sealed(pl.scan_parquet(tmp_path / "t.parquet"), tmp_path / "t.arrow")
        assert map_sealed(tmp_path / "t.arrow", trusted=set())[0].equals(TABLE)

    def test_refuses_any_byte_that_changed(self, path: Path) -> None:
        sealed = path.read_bytes()
        for place in range(0, len(sealed), 97):
            path.write_bytes(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
            with pytest.raises(DamagedTable):
                map_sealed(path, trusted=set())

    @pytest.mark.parametrize("size", [0, 10, 48, 1000])
    def test_refuses_a_file_that_was_cut_off(self, path: Path, size: int) -> None:
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(DamagedTable):
            map_sealed(path, trusted=set())

    def test_refuses_a_file_without_a_seal(self, path: Path) -> None:
        TABLE.write_ipc(path)
        with pytest.raises(DamagedTable, match="no seal"):
            map_sealed(path, trusted=set())

    def test_reads_a_trusted_state_without_checking_it_again(self, path: Path) -> None:
        _, state = map_sealed(path, trusted=set())
        again, same = map_sealed(path, trusted={state})
        assert (again.equals(TABLE), same) == (True, state)

    def test_a_write_ends_the_trust(self, path: Path) -> None:
        _, state = map_sealed(path, trusted=set())
        sealed = path.read_bytes()
        path.write_bytes(sealed[:200] + bytes([sealed[200] ^ 1]) + sealed[201:])
        with pytest.raises(DamagedTable, match="not what was sealed"):
            map_sealed(path, trusted={state})


def test_least_bytes_is_never_more_than_the_file(tmp_path: Path) -> None:
    frame = TABLE.select("whole", "small", "text", "flag").sample(50_000, with_replacement=True, seed=0).lazy()
    write_sealed(frame, tmp_path / "t.arrow")
    size = (tmp_path / "t.arrow").stat().st_size
    assert size / 2 < least_bytes(frame) <= size

"""Files as people send them: what is read, what is mended, what is refused and where it points."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from blake3 import blake3
from polars.testing import assert_frame_equal
from pyarrow import parquet
from pyfastcdc import FastCDC

from ml import frames
from ml.frames import BadColumns, BrokenTable, EmptyTable


def csv(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


class TestCsv:
    def test_reads_types(self, tmp_path: Path) -> None:
        path = csv(
            tmp_path,
            "i,f,b,s,d,t\n1,1.5,true,x,2024-02-29,2024-01-01T10:00:00Z\n2,2,false,?,,2024-01-01T11:30:00+01:00\n",
        )
        table = frames.read(path, "csv")
        assert frames.schema(table) == {
            "i": "integer", "f": "number", "b": "boolean", "s": "string", "d": "datetime", "t": "datetime",
        }  # fmt: skip
        assert table["s"].to_list() == ["x", "?"]
        assert table["d"].to_list() == [datetime.fromisoformat("2024-02-29"), None]
        assert table["t"].to_list() == [
            datetime.fromisoformat("2024-01-01T10:00:00"),
            datetime.fromisoformat("2024-01-01T10:30:00"),
        ]

    def test_strips_blanks_around_names_and_values(self, tmp_path: Path) -> None:
        table = frames.read(
            csv(tmp_path, "age, state, gain, flag, share\n39, State-gov, 0, True,  \n50, ?, 14, False, 0.5\n"), "csv"
        )
        assert table.to_dict(as_series=False) == {
            "age": [39, 50], "state": ["State-gov", "?"], "gain": [0, 14], "flag": [True, False], "share": [None, 0.5],
        }  # fmt: skip

    @pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n", "\r\n\r\n", "\n\n\n"])
    def test_ends_add_no_rows(self, tmp_path: Path, end: str) -> None:
        newline = "\r\n" if "\r" in end else "\n"
        table = frames.read(csv(tmp_path, f"a,b{newline}1,x{newline}2,y{end}"), "csv")
        assert table.rows() == [(1, "x"), (2, "y")]

    def test_keeps_a_null_row_that_is_data(self, tmp_path: Path) -> None:
        assert frames.read(csv(tmp_path, "a,b\n1,2\n,\n"), "csv").rows() == [(1, 2), (None, None)]

    def test_keeps_a_blank_line_in_the_middle_as_a_row(self, tmp_path: Path) -> None:
        assert frames.read(csv(tmp_path, "a,b\n1,2\n\n3,4\n\n"), "csv").rows() == [(1, 2), (None, None), (3, 4)]

    @pytest.mark.parametrize("mark", [";", "\t"])
    def test_takes_other_separators(self, tmp_path: Path, mark: str) -> None:
        assert frames.read(csv(tmp_path, f"a{mark}b\n1{mark}x\n"), "csv").rows() == [(1, "x")]

    def test_skips_a_byte_order_mark(self, tmp_path: Path) -> None:
        assert frames.read(csv(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n"), "csv").columns == ["a", "b"]

    @pytest.mark.parametrize("dates", ["2024-01-01\n2024-13-45", "2024-01-01\nsoon", "2024-13-45\n2024-13-46"])
    def test_leaves_text_that_is_not_dates_throughout(self, tmp_path: Path, dates: str) -> None:
        assert frames.schema(frames.scan(csv(tmp_path, f"d\n{dates}\n"), "csv")) == {"d": "string"}

    def test_keeps_every_digit_of_numbers_beyond_64_bits(self, tmp_path: Path) -> None:
        table = frames.read(csv(tmp_path, "id\n99999999999999999999999\n1\n"), "csv")
        assert table["id"].to_list() == ["99999999999999999999999", "1"]

    @pytest.mark.parametrize(
        ("content", "line", "words"),
        [
            ("a,b\n1,2\n1,2,3\n", 3, "3 fields where the header names 2"),
            ('a,b\n1,2\n3,"x\n4,5\n', 3, "quote"),
            ("a,b\n1,x\n2,é\n".encode("latin-1"), 3, "UTF-8"),
            ("a,é\n1,x\n".encode("latin-1"), 1, "UTF-8"),
            (b"PK\x03\x04\xff\xfe\x00\x01", 1, "UTF-8"),
        ],
    )
    def test_refuses_broken_bytes_naming_the_line(
        self, tmp_path: Path, content: str | bytes, line: int, words: str
    ) -> None:
        with pytest.raises(BrokenTable, match=words) as refused:
            frames.scan(csv(tmp_path, content), "csv")
        assert refused.value.where == f"t.csv, line {line}"

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("a,b,a\n1,2,3\n", "'a' occurs 2 times"),
            ("a,,b\n1,2,3\n", "Column 2 has no name"),
            ("\n\n1,2\n", "names no columns"),
        ],
    )
    def test_refuses_bad_headers(self, tmp_path: Path, content: str, words: str) -> None:
        with pytest.raises(BadColumns, match=words):
            frames.scan(csv(tmp_path, content), "csv")

    @pytest.mark.parametrize("content", ["", "a,b\n", "a,b", "a,b\n\n\n"])
    def test_refuses_no_rows(self, tmp_path: Path, content: str) -> None:
        with pytest.raises(EmptyTable):
            frames.scan(csv(tmp_path, content), "csv")


class TestJsonl:
    def test_reads_rows_with_gaps_blank_lines_and_dates(self, tmp_path: Path) -> None:
        path = csv(tmp_path, '{"a":1,"d":"2024-01-01"}\n\n{"a":2.5,"b":null}\n', "t.jsonl")
        assert frames.read(path, "jsonl").to_dicts() == [
            {"a": 1.0, "d": datetime.fromisoformat("2024-01-01"), "b": None},
            {"a": 2.5, "d": None, "b": None},
        ]

    @pytest.mark.parametrize(
        ("content", "line", "words"),
        [
            ('{"a":1}\n{"a":\n', 2, "Expecting value"),
            ('{"a":1}\n[1,2]\n', 2, "one JSON object"),
            ('{"a":1}\n{"a":NaN}\n', 2, "NaN is not JSON"),
            ('{"a":"x"}\n{"a":"é"}\n'.encode("latin-1"), 2, "UTF-8"),
        ],
    )
    def test_refuses_broken_lines(self, tmp_path: Path, content: str | bytes, line: int, words: str) -> None:
        with pytest.raises(BrokenTable, match=words) as refused:
            frames.scan(csv(tmp_path, content, "t.jsonl"), "jsonl")
        assert refused.value.where == f"t.jsonl, line {line}"

    @pytest.mark.parametrize(
        ("content", "words"), [('{"a":{"b":1}}\n', "Struct"), ('{"a":[1]}\n', "List"), ('{"":1}\n', "no name")]
    )
    def test_refuses_nested_and_nameless_columns(self, tmp_path: Path, content: str, words: str) -> None:
        with pytest.raises(BadColumns, match=words):
            frames.scan(csv(tmp_path, content, "t.jsonl"), "jsonl")


class TestParquet:
    def test_narrows_types_to_the_five(self, tmp_path: Path) -> None:
        zone = timezone(timedelta(hours=2))
        pl.DataFrame(
            {
                "cat": pl.Series(["x", None], dtype=pl.Categorical),
                "dec": pl.Series(["1.50", "2.25"]).str.to_decimal(scale=2),
                "day": [date(2024, 1, 1), None],
                "zoned": [datetime(2024, 1, 1, 12, tzinfo=zone).astimezone(UTC)] * 2,
                "small": pl.Series([1, 2], dtype=pl.Int8),
            }
        ).write_parquet(tmp_path / "t.parquet")
        table = frames.read(tmp_path / "t.parquet", "parquet")
        assert table.row(0) == (
            "x",
            1.5,
            datetime.fromisoformat("2024-01-01"),
            datetime.fromisoformat("2024-01-01T10:00:00"),
            1,
        )
        assert list(frames.schema(table).values()) == ["string", "number", "datetime", "datetime", "integer"]

    def test_leaves_text_that_looks_like_a_date(self, tmp_path: Path) -> None:
        pl.DataFrame({"d": ["2024-01-01"]}).write_parquet(tmp_path / "t.parquet")
        assert frames.schema(frames.scan(tmp_path / "t.parquet", "parquet")) == {"d": "string"}

    def test_refuses_a_cut_file(self, tmp_path: Path) -> None:
        pl.DataFrame({"a": range(1000)}).write_parquet(tmp_path / "t.parquet")
        whole = (tmp_path / "t.parquet").read_bytes()
        (tmp_path / "t.parquet").write_bytes(whole[:-50])
        with pytest.raises(BrokenTable):
            frames.scan(tmp_path / "t.parquet", "parquet")

    def test_refuses_no_rows_and_nameless_columns(self, tmp_path: Path) -> None:
        pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)}).write_parquet(tmp_path / "a.parquet")
        pl.DataFrame({"": [1]}).write_parquet(tmp_path / "b.parquet")
        with pytest.raises(EmptyTable):
            frames.scan(tmp_path / "a.parquet", "parquet")
        with pytest.raises(BadColumns):
            frames.scan(tmp_path / "b.parquet", "parquet")


class TestWriteParquet:
    def test_equal_rows_give_equal_bytes_however_chunked(self, tmp_path: Path) -> None:
        whole = people(50_000)
        pieces = pl.concat([whole.head(10), whole.slice(10, 500), whole.slice(510)], rechunk=False)
        assert pieces.n_chunks() == 3
        frames.write_parquet(whole, tmp_path / "a")
        frames.write_parquet(pieces, tmp_path / "b")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    @pytest.mark.parametrize("rows", [0, 1, 8_192, 40_000])
    def test_comes_back_with_its_types(self, tmp_path: Path, rows: int) -> None:
        table = people(rows).with_columns(
            pl.when(pl.col("id") % 3 > 0).then(pl.col("amount")).alias("gaps"), (pl.col("id") > 9).alias("flag")
        )
        table = table.with_columns(pl.col("name").cast(pl.String))
        frames.write_parquet(table, tmp_path / "t")
        assert pl.read_parquet(tmp_path / "t").equals(table)
        assert pl.read_parquet(tmp_path / "t").schema == table.schema

    def test_a_column_of_nulls_comes_back_as_text(self, tmp_path: Path) -> None:
        frames.write_parquet(pl.DataFrame({"x": [1, 2], "nothing": [None, None]}), tmp_path / "t.parquet")
        assert frames.read(tmp_path / "t.parquet", "parquet").schema["nothing"] == pl.String

    def test_ends_row_groups_even_where_no_row_says_so(self, tmp_path: Path) -> None:
        frames.write_parquet(pl.DataFrame({"x": [1] * 100_000}), tmp_path / "t")
        groups = parquet.ParquetFile(tmp_path / "t").metadata
        assert [groups.row_group(place).num_rows for place in range(4)] == [32_768, 32_768, 32_768, 1_696]

    @pytest.mark.parametrize("where", ["in the middle", "at the end"])
    def test_an_insert_of_one_percent_shares_most_bytes(self, tmp_path: Path, where: str) -> None:
        """As the store sees it: chunks of 64 KiB on average, by their hash."""
        table, new = people(200_000), people(2_000, seed=1)
        half = table.height // 2 if where == "in the middle" else table.height
        frames.write_parquet(table, tmp_path / "before")
        frames.write_parquet(pl.concat([table[:half], new, table[half:]]), tmp_path / "after")
        before, after = chunks(tmp_path / "before"), chunks(tmp_path / "after")
        shared = sum(size for name, size in after.items() if name in before)
        assert shared / sum(after.values()) > 0.8


def people(rows: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(rows) + seed * 10**9,
            "amount": random.normal(100, 20, rows).round(2),
            "share": random.random(rows),
            "city": random.choice([f"city {number}" for number in range(200)], rows),
            "name": [f"person {number}" for number in random.integers(0, 10**9, rows)],
            "at": pl.Series(np.sort(random.integers(0, 10**9, rows)) * 10**6).cast(pl.Datetime("us")),
        }
    )


def chunks(path: Path) -> dict[bytes, int]:
    return {blake3(chunk.data).digest(): chunk.length for chunk in FastCDC(avg_size=65_536).cut_file(path)}


def test_rows_as_json_has_no_nan_and_iso_times() -> None:
    table = pl.DataFrame(
        {
            "f": [1.0, math.nan, math.inf],
            "t": [
                datetime.fromisoformat("2024-01-01T09:00:00"),
                datetime.fromisoformat("2024-01-01T09:00:00.000500"),
                None,
            ],
        }
    )
    assert frames.rows_as_json(table) == [
        {"f": 1.0, "t": "2024-01-01T09:00:00"},
        {"f": None, "t": "2024-01-01T09:00:00.000500"},
        {"f": None, "t": None},
    ]


@pytest.mark.parametrize("usual", ["1", "1.5", "true", "word", "", "2024-01-01"])
@pytest.mark.parametrize(
    "odd",
    ["+5", "+1.5", " 5", "5.0", "007", "1e3", "nan", "NaN", "inf", "Infinity", "-", "word", "True", "false", "",
     "99999999999999999999", "2024-01-01", '"1,5"'],
)  # fmt: skip
def test_types_do_not_depend_on_where_an_odd_value_stands(tmp_path: Path, usual: str, odd: str) -> None:
    """Beyond the rows that are looked at first, the same table is the same as before them."""
    rows = [f"{usual},x" for _ in range(frames.SAMPLED_ROWS + 1)]
    early, late = tmp_path / "early.csv", tmp_path / "late.csv"
    early.write_text("\n".join(["a,b", f"{odd},x", *rows]) + "\n")
    late.write_text("\n".join(["a,b", *rows, f"{odd},x"]) + "\n")
    first, last = frames.read(early, "csv"), frames.read(late, "csv")
    assert first.schema == last.schema
    assert_frame_equal(pl.concat([last.tail(1), last.head(-1)]), first)

"""Digests and names: what DVC would compute, and which paths are taken."""

import json
from hashlib import md5

import pytest
import yaml

from domain.datasets.dvc import pointer
from domain.datasets.manifest import (
    BadFileName,
    DuplicateFileName,
    ManifestEntry,
    checked_path,
    digest_of,
    directory_listing,
    format_of,
)

ONE = ManifestEntry("a.csv", "0cc175b9c0f1b6a831c399e269772661", 1)
FOLDER = [ManifestEntry("x/b", "92eb5ffee6ae2fec3ad71c777531578f", 1), ManifestEntry("x/a", ONE.md5, 1)]


class TestDigest:
    def test_of_one_file_is_its_md5(self) -> None:
        assert digest_of([ONE]) == ONE.md5

    def test_of_a_folder_is_that_of_its_sorted_listing(self) -> None:
        first, second = (entry.md5.encode() for entry in (FOLDER[1], FOLDER[0]))
        listing = b'[{"md5": "%s", "relpath": "x/a"}, {"md5": "%s", "relpath": "x/b"}]' % (first, second)
        assert directory_listing(FOLDER) == listing
        assert digest_of(FOLDER) == digest_of(FOLDER[::-1]) == md5(listing, usedforsecurity=False).hexdigest() + ".dir"

    def test_of_letters_beyond_ascii_is_escaped_as_dvc_does(self) -> None:
        assert b"\\u00fc" in directory_listing([ManifestEntry("\u00fc", ONE.md5, 1)])

    @pytest.mark.parametrize("paths", [("a", "a"), ("a", "a/b"), ("a/b/c", "a/b"), ("a/b/c/d", "a")])
    def test_of_files_in_each_others_way_is_refused(self, paths: tuple[str, str]) -> None:
        with pytest.raises(DuplicateFileName):
            digest_of([ManifestEntry(path, ONE.md5, 1) for path in paths])

    def test_of_names_that_only_begin_alike_is_fine(self) -> None:
        assert digest_of([ManifestEntry(path, ONE.md5, 1) for path in ("a", "a.b", "ab/c")]).endswith(".dir")


class TestFormat:
    @pytest.mark.parametrize(
        ("path", "read_as"),
        [
            ("a.csv", "csv"), ("a.TSV", "csv"), ("a.parquet", "parquet"), ("a.pq", "parquet"), ("a.jsonl", "jsonl"),
            ("a.ndjson", "jsonl"), ("a.png", "folder"), ("csv", "folder"), ("x/a.csv", "folder"),
        ],
    )  # fmt: skip
    def test_follows_the_name_of_a_single_file(self, path: str, read_as: str) -> None:
        assert format_of([ManifestEntry(path, ONE.md5, 1)]) == read_as

    def test_of_several_files_is_a_folder(self) -> None:
        assert format_of([ONE, ManifestEntry("b.csv", ONE.md5, 1)]) == "folder"


class TestPath:
    @pytest.mark.parametrize("name", ["a", "a/b.csv", "Größe/数.csv", "a b", ".hidden", "a..b", "😀.png"])
    def test_a_plain_name_is_taken(self, name: str) -> None:
        assert checked_path(name) == name

    def test_two_spellings_of_a_letter_are_one(self) -> None:
        assert checked_path("u\u0308.csv") == checked_path("\u00fc.csv") == "\u00fc.csv"

    @pytest.mark.parametrize(
        "name",
        [
            "", " ", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "c:/a", "a\x00", "a\n", "\u202ea",
            "a\u200b", "\ud800", "\u2028", "a\u2215b", "a\u2044b", "\uff0fa", "\uff0e\uff0e", "\u2025", "\uff3c",
            "\ufe68", "x" * 513, "\U000e0001a",
        ],
    )  # fmt: skip
    def test_a_trick_is_refused(self, name: str) -> None:
        with pytest.raises(BadFileName) as refusal:
            checked_path(name)
        assert len(refusal.value.message) < 300


class TestPointer:
    def test_of_a_folder_counts_its_files(self) -> None:
        digest = digest_of(FOLDER)
        text = pointer(name="digits", digest=digest, entries=FOLDER)
        assert text == f"outs:\n- md5: {digest}\n  size: 2\n  nfiles: 2\n  hash: md5\n  path: digits\n"

    @pytest.mark.parametrize("path", ["a.csv", "1e3", "true", "a: b", "- a", "#a", "'a", '"a"', "数.csv", "~", "No"])
    def test_reads_back_as_the_name_it_was(self, path: str) -> None:
        text = pointer(name="x", digest=ONE.md5, entries=[ManifestEntry(path, ONE.md5, 1)])
        assert yaml.safe_load(text)["outs"][0]["path"] == path
        assert json.dumps(yaml.safe_load(text))

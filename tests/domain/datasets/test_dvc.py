"""DVC's texts: what a pointer points to, what a listing names, and everything that only looks like one of them."""

import json
from hashlib import md5
from typing import Any

import pytest
import yaml

from domain.datasets.dvc import BadListing, BadPointer, Listed, Pointer, parse_listing, parse_pointer, pointer
from domain.datasets.manifest import BadFileName, DuplicateFileName, ManifestEntry, digest_of, directory_listing

MD5 = "0123456789abcdef0123456789abcdef"
GOOD = f"outs:\n- md5: {MD5}\n  size: 12\n  hash: md5\n  path: data.csv\n"


def out(**keys: Any) -> str:
    return yaml.safe_dump({"outs": [{"md5": MD5, "hash": "md5", "path": "data.csv"} | keys]})


class TestParsePointer:
    def test_a_file(self) -> None:
        assert parse_pointer(GOOD) == Pointer(MD5, "data.csv", 12)

    def test_a_folder_with_all_that_dvc_writes(self) -> None:
        text = (
            f"desc: mine\nmeta: {{a: [1]}}\nfrozen: true\nwdir: ..\nouts:\n- md5: {MD5}.dir\n  size: 3\n  nfiles: 2\n"
        )
        text += f"  hash: md5\n  path: d/e\n  remote: m\n  type: data\n  labels: [x]\nmd5: {MD5}\n"
        assert parse_pointer(text) == Pointer(f"{MD5}.dir", "d/e", 3, 2, "m")

    @pytest.mark.parametrize("digits", ["1" * 32, "1e" + "5" * 30, "0" * 32, "0x" + "1" * 30])
    def test_an_md5_may_look_like_a_number(self, digits: str) -> None:
        text = f"outs:\n- md5: {digits}\n  hash: md5\n  path: on\n"
        if "x" in digits:
            with pytest.raises(BadPointer, match="no MD5"):
                parse_pointer(text)
        else:
            assert parse_pointer(text) == Pointer(digits, "on")

    def test_data_imported_from_a_url_is_pushed_like_any_other(self) -> None:
        assert parse_pointer(f"deps:\n- path: https://host/x\n  etag: '1'\n{GOOD}").md5 == MD5

    @pytest.mark.parametrize(
        ("entries", "name"),
        [
            ([ManifestEntry("x.csv", MD5, 1)], "a"),
            ([ManifestEntry("no", MD5, 1)], "a"),
            ([ManifestEntry("ö, #.csv", MD5, 1)], "a"),
            ([ManifestEntry("x/1", MD5, 1), ManifestEntry("y", MD5, 2)], "true"),
            ([ManifestEntry("x/1", MD5, 1), ManifestEntry("y", MD5, 2)], "0.5"),
        ],
    )
    def test_reads_what_it_writes(self, entries: list[ManifestEntry], name: str) -> None:
        found = parse_pointer(pointer(name=name, digest=digest_of(entries), entries=entries))
        assert found.md5 == digest_of(entries)
        assert found.path == (name if len(entries) > 1 else entries[0].path)
        assert (found.size, found.nfiles) == (sum(one.size for one in entries), 2 if len(entries) > 1 else None)

    @pytest.mark.parametrize(
        ("text", "where", "says"),
        [
            ("", "pointer", "no keys"),
            ("just words", "pointer", "no keys"),
            ("a: [", "line 1, column 5", "not YAML"),
            ("outs: \x00", "pointer", "not YAML"),
            ("a: 1\n---\nb: 2\n", "line 2, column 1", "not YAML"),
            ("stages: {}\n", "outs", "no list"),
            ("outs: {a: b}\n", "outs", "no list"),
            ("outs: []\n", "outs", "0 outputs"),
            (f"{GOOD}- md5: {MD5}\n  hash: md5\n  path: b.csv\n", "outs", "2 outputs"),
            ("outs:\n- data.csv\n", "outs.0", "no keys"),
            (f"{GOOD}  path: b.csv\n", "line 6", "there twice"),
            (f"{GOOD}? [a]\n: b\n", "line 6", "not a word"),
            (f"{GOOD}x: {'[' * 30}{']' * 30}\n", "pointer", "too deeply"),
            (f"{GOOD}x: {'[' * 5000}\n", "pointer", "too deeply"),
            (f"{GOOD}x: &a 1\ny: *a\n", "pointer", "aliases"),
            ("a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a]\n" for n in range(30)), "pointer", "aliases"),
            (GOOD + "#" * 70_000, "pointer", "at most"),
            (f"deps:\n- path: x\n  repo:\n    url: https://host/r\n{GOOD}", "deps", "an import"),
            ("outs:\n- hash: md5\n  path: a\n", "outs.0.md5", "no content yet"),
            ("outs:\n- etag: '1'\n  path: a\n", "outs.0.md5", "its etag"),
            (out(cloud={"s3": {"etag": "1"}}), "outs.0", "cloud-versioned"),
            (out(files=[{"relpath": "a"}]), "outs.0", "cloud-versioned"),
            (out(version_id="1"), "outs.0", "cloud-versioned"),
            (out(cache=False), "outs.0", "never pushed"),
            (out(push=False), "outs.0", "never pushed"),
            (out(md5=MD5.upper()), "outs.0.md5", "no MD5"),
            (out(md5=MD5[:-1]), "outs.0.md5", "no MD5"),
            (out(md5=MD5 + ".tar"), "outs.0.md5", "no MD5"),
            (out(md5=f"{MD5}\n"), "outs.0.md5", "no MD5"),
            (out(md5=[MD5]), "outs.0.md5", "no `md5`"),
            (f"outs:\n- md5: {MD5}\n  path: a\n", "outs.0.hash", "DVC 2"),
            (out(hash="md5-dos2unix"), "outs.0.hash", "DVC 2"),
            (out(hash="sha256"), "outs.0.hash", "'sha256'"),
            (out(hash=["md5"]), "outs.0.hash", "only `md5`"),
            (out(path="../data.csv"), "outs.0.path", "plain relative path"),
            (out(path="/etc/passwd"), "outs.0.path", "plain relative path"),
            (out(path="s3://bucket/x"), "outs.0.path", "a drive"),
            (out(path=""), "outs.0.path", "no `path`"),
            (out(path={"a": "b"}), "outs.0.path", "no `path`"),
            (out(size=-1), "outs.0.size", "not a count"),
            (out(size="1" * 30), "outs.0.size", "not a count"),
            (out(nfiles=[1]), "outs.0.nfiles", "not a count"),
            (out(remote=[1]), "outs.0.remote", "no `remote`"),
        ],
    )
    def test_refuses_with_the_place(self, text: str, where: str, says: str) -> None:
        with pytest.raises(BadPointer, match=says) as caught:
            parse_pointer(text)
        assert caught.value.where == where

    def test_says_what_to_do_about_a_pointer_of_dvc_2(self) -> None:
        with pytest.raises(BadPointer) as caught:
            parse_pointer(f"outs:\n- md5: {MD5}\n  path: a\n")
        assert "dvc cache migrate" in (caught.value.fix or "")


def row(path: object, digest: object = MD5, **more: object) -> dict[str, object]:
    return {"md5": digest, "relpath": path, **more}


def listing(*rows: object) -> bytes:
    return json.dumps(rows).encode()


class TestParseListing:
    def test_what_dvc_writes(self) -> None:
        data = directory_listing([ManifestEntry("b/c", MD5, 1), ManifestEntry("ä", MD5, 1), ManifestEntry("a", MD5, 2)])
        assert parse_listing(data) == [Listed("a", MD5), Listed("b/c", MD5), Listed("ä", MD5)]

    def test_an_empty_folder(self) -> None:
        assert parse_listing(b"[]") == []

    def test_odd_but_valid(self) -> None:
        data = b'[ {"relpath": "b", "md5": "%b", "isexec": true, "size": 1},\n {"md5": "%b", "relpath": "a"} ]\n'
        assert parse_listing(data % (MD5.encode(), MD5.encode())) == [Listed("b", MD5), Listed("a", MD5)]

    def test_decomposed_letters_are_composed(self) -> None:
        assert parse_listing(listing(row("u\u0308.csv"))) == [Listed("\u00fc.csv", MD5)]

    @pytest.mark.parametrize(
        "path",
        [
            "../a", "/etc/passwd", "a/../../b", ".", "", " ", "a//b", "a/", "nul\x00", "a\\b", "c:/a", "\u2215etc",
            "\uff0e\uff0e/a", "a\u202eb", "\ud800", "a" * 600,
        ],
    )  # fmt: skip
    def test_hostile_names(self, path: str) -> None:
        with pytest.raises(BadFileName):
            parse_listing(listing(row("fine"), row(path)))

    @pytest.mark.parametrize(
        "paths", [("a", "a"), ("\u00fc", "u\u0308"), ("a", "a/b"), ("a/b/c", "a"), ("a/b", "a/b/c/d")]
    )
    def test_names_in_each_others_way(self, paths: tuple[str, str]) -> None:
        with pytest.raises(DuplicateFileName):
            parse_listing(listing(*map(row, paths)))

    @pytest.mark.parametrize(
        ("data", "where"),
        [
            (b"", "body"),
            (b"\xff[]", "body"),
            (b"{}", "body"),
            (b"[" * 100_000, "body"),
            (b"[NaN", "body"),
            (listing("a"), "0.relpath"),
            (listing(row("a"), {"md5": MD5}), "1.relpath"),
            (listing(row(["a"])), "0.relpath"),
            (listing(row("a", MD5.upper())), "0.md5"),
            (listing(row("a", f"{MD5}.dir")), "0.md5"),
            (listing(row("a", "../../etc")), "0.md5"),
            (listing(row("a", None)), "0.md5"),
            (listing({"etag": "1", "relpath": "a"}), "0.md5"),
        ],
    )
    def test_what_is_no_listing(self, data: bytes, where: str) -> None:
        with pytest.raises(BadListing) as caught:
            parse_listing(data)
        assert caught.value.where == where


def test_a_listing_has_the_digest_dvc_gives_it() -> None:
    """As `dvc add` of DVC 3.67 printed it for two files of one line each."""
    entries = [
        ManifestEntry(name, md5(text, usedforsecurity=False).hexdigest(), len(text))
        for name, text in (("a.txt", b"one\n"), ("sub/b.txt", b"two\n"))
    ]
    assert digest_of(entries) == "20ad46588e5628537eb822c2583dd63d.dir"

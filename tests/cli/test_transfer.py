"""`millrace data push`, `get` and `status` against the real API: what is sent, what is not, and what comes back."""

import os
import random
import time
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import httpx
import pytest

from adapters.chunk_store import wire
from adapters.chunk_store.chunks import BITE, Chunker, digest_of
from adapters.chunk_store.frames import Encoding, encode
from adapters.chunk_store.wire import MEDIA_TYPE, BadRecord, Kind, RecordReader
from adapters.runtime import Runtime
from api.bootstrap import bootstrap
from api.main import create_app
from cli.client import Client, ClientError
from cli.transfer import push as pushing
from cli.transfer.listing import KEPT, File, files_of
from cli.transfer.push import push
from cli.transfer.tree import files_under
from tests.cli.conftest import Millrace
from tests.conftest import Drain
from tests.servers import serving


@pytest.fixture
def api(runtime: Runtime) -> Iterator[Client]:
    """The real API with a dataset `d`."""
    token = bootstrap(runtime)
    with serving(create_app(runtime)) as url, Client(url, token) as client:
        client.post("datasets", body={"name": "d"})
        yield client


@pytest.fixture
def live(bare: Millrace, api: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Millrace:
    """The program, pointed at the real API, with a cache of its own."""
    monkeypatch.setenv("MILLRACE_URL", api.url)
    monkeypatch.setenv("MILLRACE_TOKEN", api.token or "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return bare


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def tree(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def plant(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


FILES = {
    "a.txt": b"one",
    "b/c.bin": noise(40_000),
    "b/empty": b"",
    "b/Größe 数.csv": b"x\n1\n",
    "big": noise(2 * BITE + 5),
}


class TestPush:
    def test_a_folder_comes_back_as_it_was(self, live: Millrace, tmp_path: Path) -> None:
        plant(tmp_path / "in", FILES)
        assert live("data", "push", "in", "d", "-m", "all of it").exit_code == 0
        assert live("data", "get", "d@1", "-o", "out").exit_code == 0
        assert tree(tmp_path / "out") == FILES

    def test_a_file_is_sent_under_its_own_name(self, live: Millrace, api: Client, tmp_path: Path) -> None:
        (tmp_path / "hour.csv").write_bytes(b"a,b\r\n1,2\r\n")
        result = live("data", "push", "hour.csv", "d", "-m", "first year")
        assert (result.exit_code, "d@1" in result.stdout) == (0, True)
        version = api.get("datasets", "d", "versions", 1)
        assert (version["message"], version["format"], version["size"]) == ("first year", "csv", 10)

    def test_the_version_has_the_digest_of_dvc(self, live: Millrace, api: Client, tmp_path: Path) -> None:
        plant(tmp_path / "in", FILES)
        live("data", "push", "in", "d")
        form = [("files", (name, data)) for name, data in FILES.items()]
        url = f"{api.url}/api/v1/datasets/d/versions"
        answer = httpx.post(url, files=form, headers={"Authorization": f"Bearer {api.token}"})
        assert (answer.status_code, answer.json()["number"]) == (200, 1)

    def test_a_dataset_that_is_not_there_is_made(self, live: Millrace, tmp_path: Path) -> None:
        (tmp_path / "hour.csv").write_text("a\n1\n")
        result = live("data", "push", "hour.csv", "trams")
        assert result.exit_code == 0
        assert result.stderr.startswith("Made datasets/trams.\n")

    @pytest.mark.parametrize("compress", [False, True])
    def test_only_what_the_server_lacks_is_sent(
        self, api: Client, tmp_path: Path, compress: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pushing, "is_local", lambda _: not compress)
        data = b"".join(b"%d,%d\n" % (number, number * 7919 % 10_007) for number in range(600_000))
        path = tmp_path / "rows.csv"
        path.write_bytes(data)
        first = push(api, "d", files_under(path), message="")
        path.write_bytes(data + b"600000,1\n")
        appended = push(api, "d", files_under(path), message="")
        again = push(api, "d", files_under(path), message="")
        assert first.sent == len(data)
        assert 0 < appended.sent < 300_000
        assert (again.sent, again.version["number"]) == (0, appended.version["number"])
        assert b"".join(api.download("datasets", "d", "versions", 2, "content", "rows.csv")) == data + b"600000,1\n"

    def test_files_that_have_not_changed_are_not_read(self, live: Millrace, tmp_path: Path, api: Client) -> None:
        plant(tmp_path / "in", FILES)
        time.sleep(0.05)  # a file just written is never trusted
        live("data", "push", "in", "d")
        unreadable = tmp_path / "in" / "b" / "c.bin"
        stat = unreadable.stat()
        unreadable.write_bytes(noise(40_000, seed=1))
        os.utime(unreadable, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # looks as it did
        (tmp_path / "in" / "new").write_bytes(b"new")
        assert live("data", "push", "in", "d").exit_code == 0
        files = {file["path"]: file["md5"] for file in api.get("datasets", "d", "versions", 2, "files")["items"]}
        old = {file["path"]: file["md5"] for file in api.get("datasets", "d", "versions", 1, "files")["items"]}
        assert files.keys() == FILES.keys() | {"new"}
        assert files["b/c.bin"] == old["b/c.bin"]

    def test_what_is_remembered_of_another_server_is_sent_after_all(
        self, live: Millrace, tmp_path: Path, api: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plant(tmp_path / "in", {"a": b"a", "b": b"b"})
        time.sleep(0.05)
        live("data", "push", "in", "d")
        (cached,) = (tmp_path / "cache" / "millrace" / "trees").iterdir()
        for digest in (b"0cc175b9c0f1b6a831c399e269772661", b"92eb5ffee6ae2fec3ad71c777531578f"):
            cached.write_bytes(cached.read_bytes().replace(digest, b"0" * 32))
        assert live("data", "push", "in", "d").exit_code == 0
        assert api.get("datasets", "d")["versions"] == 1

    def test_an_interrupted_push_goes_on_where_it_was(
        self, api: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("adapters.chunk_store.batch.FULL", 2**20)
        monkeypatch.setattr("adapters.chunk_store.batch.HELD", 2**18)
        monkeypatch.setattr(pushing, "WINDOW", BITE)
        path = tmp_path / "big.bin"
        path.write_bytes(noise(6 * BITE))
        broken = 0

        def break_off(count: int) -> None:
            nonlocal broken
            broken += count
            if broken > 5 * BITE:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            push(api, "d", files_under(path), message="", on_read=break_off)
        assert api.get("datasets", "d")["versions"] == 0
        settle(api, path)
        pushed = push(api, "d", files_under(path), message="")
        assert pushed.sent < 4 * BITE
        assert b"".join(api.download("datasets", "d", "versions", 1, "content", "big.bin")) == path.read_bytes()

    def test_a_file_that_changes_meanwhile_is_refused(self, live: Millrace, tmp_path: Path, api: Client) -> None:
        path = tmp_path / "log"
        path.write_bytes(b"12")
        files = files_under(path)
        path.write_bytes(b"123")
        with pytest.raises(Exception, match="changed while it was being sent"):
            push(api, "d", files, message="")
        assert api.get("datasets", "d")["versions"] == 0

    def test_a_link_to_a_folder_is_refused(self, live: Millrace, tmp_path: Path) -> None:
        plant(tmp_path / "in", {"a": b"a"})
        (tmp_path / "in" / "etc").symlink_to("/etc")
        result = live("data", "push", "in", "d")
        assert (result.exit_code, "link to a folder" in result.stderr) == (1, True)


def settle(api: Client, path: Path) -> None:
    """Wait until the server has kept what had arrived."""
    first = next(Chunker().feed(path.read_bytes()))
    deadline = time.monotonic() + 10
    while api.ask("datasets", "d", "missing-chunks", body=digest_of(first)) == b"\x01":
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestGet:
    @pytest.fixture
    def versions(self, live: Millrace, tmp_path: Path) -> Millrace:
        """Version 1 as `FILES`, version 2 with one file changed, one gone and one new."""
        plant(tmp_path / "in", FILES)
        live("data", "push", "in", "d")
        plant(tmp_path / "in", {"a.txt": b"two", "new": b"new"})
        (tmp_path / "in" / "b" / "c.bin").unlink()
        live("data", "push", "in", "d")
        return live

    def test_going_back_fetches_what_differs(self, versions: Millrace, tmp_path: Path) -> None:
        time.sleep(0.05)
        versions("data", "get", "d@2", "-o", "out")
        result = versions("data", "get", "d@1", "-o", "out", "--exact", "--json")
        assert '"written": 2' in result.stdout
        assert '"removed": 1' in result.stdout
        assert tree(tmp_path / "out") == FILES

    def test_other_files_stay_unless_told(self, versions: Millrace, tmp_path: Path) -> None:
        plant(tmp_path / "out", {"mine": b"mine"})
        versions("data", "get", "d@1", "-o", "out")
        assert tree(tmp_path / "out") == FILES | {"mine": b"mine"}

    def test_a_file_that_was_changed_is_brought_back(self, versions: Millrace, tmp_path: Path) -> None:
        versions("data", "get", "d@1", "-o", "out")
        (tmp_path / "out" / "a.txt").write_bytes(b"ONE")
        assert versions("data", "get", "d@1", "-o", "out").exit_code == 0
        assert tree(tmp_path / "out") == FILES

    def test_a_large_file_goes_on_where_it_broke_off(
        self, versions: Millrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cli.transfer.get.LARGE", BITE)
        plant(tmp_path / "out", {"big.partial": FILES["big"][: BITE + 7]})
        assert versions("data", "get", "d@1", "-o", "out").exit_code == 0
        assert tree(tmp_path / "out") == FILES

    def test_a_broken_rest_is_not_taken_for_the_file(
        self, versions: Millrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cli.transfer.get.LARGE", BITE)
        plant(tmp_path / "out", {"big.partial": bytes(BITE)})
        result = versions("data", "get", "d@1", "-o", "out")
        assert (result.exit_code, "other bytes" in result.stderr) == (1, True)
        assert not (tmp_path / "out" / "big").exists()
        assert versions("data", "get", "d@1", "-o", "out").exit_code == 0
        assert tree(tmp_path / "out") == FILES

    def test_status_tells_what_differs(self, versions: Millrace, tmp_path: Path) -> None:
        versions("data", "get", "d@1", "-o", "out")
        assert versions("data", "status", "out", "d@1").exit_code == 0
        plant(tmp_path / "out", {"a.txt": b"changed", "extra": b""})
        result = versions("data", "status", "out", "d@1")
        assert result.exit_code == 1
        named = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
        assert named[-2:] == ["a.txt", "extra"]


def listed(api: Client) -> list[File]:
    """What the command line takes `d@1` to consist of."""
    return files_of(api, api.get("datasets", "d", "versions", 1))


class TestListing:
    """What a version consists of is asked for, and sent when it is not remembered."""

    DIGEST = md5(b"one", usedforsecurity=False).hexdigest().encode()

    @pytest.fixture
    def remembered(self, live: Millrace, api: Client, tmp_path: Path) -> Path:
        """Where the listing of `d@1` is remembered: `a` and nothing else."""
        plant(tmp_path / "in", {"a": b"one"})
        live("data", "push", "in", "d")
        assert [file["path"] for file in listed(api)] == ["a"]
        (place,) = (tmp_path / "cache" / "millrace" / "listings").iterdir()
        return place

    def test_is_not_sent_again(self, remembered: Path, api: Client) -> None:
        tag, _, listing = remembered.read_bytes().partition(b"\n")
        remembered.write_bytes(tag + b"\n" + listing.replace(b'"a"', b'"b"'))
        assert [file["path"] for file in listed(api)] == ["b"]

    @pytest.mark.parametrize("spoil", [b'another\n{"items":[]}', b"", DIGEST + b"\n[]", DIGEST + b"\n{"])
    def test_another_one_or_a_broken_one_does_not_count(self, remembered: Path, api: Client, spoil: bytes) -> None:
        remembered.write_bytes(spoil)
        for _ in range(2):
            assert [file["path"] for file in listed(api)] == ["a"]

    def test_does_not_hide_that_the_version_was_deleted(self, remembered: Path, api: Client, drain: Drain) -> None:
        drain()
        api.delete("datasets", "d", "versions", 1)
        with pytest.raises(ClientError, match="deleted"):
            listed(api)

    def test_the_oldest_are_forgotten(self, remembered: Path, api: Client) -> None:
        for number in range(KEPT + 5):
            old = remembered.with_name(f"{number:032}")
            old.write_bytes(b"")
            os.utime(old, (number, number))
        remembered.unlink()
        listed(api)
        left = sorted(path.name for path in remembered.parent.iterdir())
        assert len(left) == KEPT
        assert {remembered.name, f"{KEPT + 4:032}"} <= set(left)


class TestBundle:
    def test_an_unknown_path_is_named(self, live: Millrace, api: Client, tmp_path: Path) -> None:
        plant(tmp_path / "in", {"a.txt": b"a"})
        live("data", "push", "in", "d")
        with pytest.raises(Exception, match=r"a\.txtx"):
            list(api.bundle("datasets", "d", "versions", 1, "bundle", paths=["a.txtx"]))


def send(api: Client, *records: bytes) -> httpx.Response:
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": MEDIA_TYPE}
    return httpx.post(f"{api.url}/api/v1/datasets/d/versions", content=b"".join(records), headers=headers)


class TestBadPushes:
    CHUNK = noise(5_000)
    NAMED = (digest_of(CHUNK), len(CHUNK))
    FRAME = wire.frame(Encoding.RAW, [NAMED], CHUNK)
    PARTS = wire.parts([NAMED])
    END = wire.record(Kind.END, b"a.bin")
    MESSAGE = wire.record(Kind.MESSAGE, b"")

    def test_the_good_one_is_taken(self, api: Client) -> None:
        assert send(api, self.FRAME, self.PARTS, self.END, self.MESSAGE).status_code == 201

    @pytest.mark.parametrize(
        ("records", "status", "code"),
        [
            ([FRAME, PARTS, END], 422, "bad_upload"),
            ([FRAME, PARTS, END, MESSAGE[:-1]], 422, "bad_upload"),
            ([FRAME, PARTS, END, MESSAGE, END], 422, "bad_upload"),
            ([b"X\x00\x00\x00\x00"], 422, "bad_upload"),
            ([b"F\xff\xff\xff\xff"], 422, "bad_upload"),
            ([wire.record(Kind.FRAME, b"")], 422, "bad_upload"),
            ([wire.frame(Encoding.RAW, [(bytes(32), 5_000)], CHUNK)], 422, "bad_upload"),
            ([wire.frame(Encoding.RAW, [(digest_of(CHUNK), 4_999)], CHUNK)], 422, "bad_upload"),
            ([wire.frame(Encoding.DIFFERENCE, [NAMED], CHUNK)], 422, "bad_upload"),
            ([wire.frame(Encoding.ZSTD, [NAMED], CHUNK)], 422, "bad_upload"),
            ([wire.frame(Encoding.ZSTD, [(bytes(32), 2**21)], encode(bytes(2**21))[1])], 422, "bad_upload"),
            ([wire.frame(Encoding.RAW, [(digest_of(bytes(2**20)), 2**20)], bytes(2**20))], 422, "bad_upload"),
            ([FRAME, wire.parts([(digest_of(CHUNK), 77)]), END, MESSAGE], 422, "bad_upload"),
            ([wire.record(Kind.PARTS, b"short")], 422, "bad_upload"),
            ([wire.record(Kind.DATA, b"x")], 422, "bad_upload"),
            ([PARTS, END, MESSAGE], 409, "content_gone"),
            ([wire.known("0" * 32, "a.bin"), MESSAGE], 409, "content_gone"),
            ([wire.record(Kind.KNOWN, b"short"), MESSAGE], 422, "bad_upload"),
            ([FRAME, PARTS, wire.record(Kind.END, b"../a"), MESSAGE], 422, "bad_file_name"),
            ([FRAME, PARTS, wire.record(Kind.END, b"\xff"), MESSAGE], 422, "bad_file_name"),
            ([FRAME, PARTS, END, PARTS, END, MESSAGE], 422, "bad_upload"),
            ([wire.record(Kind.MESSAGE, b"x" * 20_000)], 413, "too_large"),
            ([MESSAGE], 422, "no_files"),
        ],
    )
    def test_is_refused(self, api: Client, records: list[bytes], status: int, code: str) -> None:
        answer = send(api, *records)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert api.get("datasets", "d")["versions"] == 0

    def test_digests_that_are_cut_off(self, api: Client) -> None:
        with pytest.raises(Exception, match="no row of digests"):
            api.ask("datasets", "d", "missing-chunks", body=b"x" * 33)


class TestRecords:
    def test_bites_of_any_size(self) -> None:
        stream = b"".join(
            wire.record(kind, noise(size)) for kind, size in ((Kind.DATA, 0), (Kind.END, 7), (Kind.DATA, 999))
        )
        for bite in (1, 3, 50, 10_000):
            reader = RecordReader()
            found = [one for at in range(0, len(stream), bite) for one in reader.feed(stream[at : at + bite])]
            assert [(kind, len(body)) for kind, body in found] == [(Kind.DATA, 0), (Kind.END, 7), (Kind.DATA, 999)]
            assert reader.rest == 0

    def test_an_unknown_letter(self) -> None:
        with pytest.raises(BadRecord, match="kind"):
            list(RecordReader().feed(b"?\x00\x00\x00\x00"))

"""DVC's own client against a real server: what a team does all day, and what goes wrong meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path

import httpx
import pytest

from adapters.settings import Settings
from tests.servers import free_port, running

pytestmark = pytest.mark.slow

DVC = Path(sys.executable).with_name("dvc")


@dataclass
class Api:
    """The API as a process of its own, on a home of its own."""

    url: str
    token: str
    home: Path

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=60)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("dvc") / "home"
    # No broker listens there: the rows wait, and nothing here waits for them.
    env = {**os.environ, "MILLRACE_HOME": str(home), "MILLRACE_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    for program in (["-m", "migrations", "upgrade"], ["-m", "api.bootstrap"]):
        subprocess.run([sys.executable, *program], env=env, check=True, capture_output=True)
    port = free_port()
    serve = [sys.executable, "-m", "uvicorn", "--factory", "api.main:build", "--port", str(port)]
    with running(serve, env=env):
        url = f"http://127.0.0.1:{port}"
        _until_alive(url)
        yield Api(url, Settings(home=home, _env_file=None).home.joinpath("token").read_text(), home)


def _until_alive(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/livez", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("The API did not come up.")


@dataclass
class Clone:
    """A Git and DVC repository with a cache and a home of its own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.folder, env=self.env, check=True, capture_output=True)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [DVC, *words], cwd=self.folder, env=self.env, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def dvc(self, *words: str, fails: bool = False) -> str:
        process = self.start(*words)
        said, _ = process.communicate(timeout=120)
        assert bool(process.returncode) == fails, said
        return said

    def write(self, path: str, data: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def files(self, path: str) -> dict[str, bytes]:
        top = self.folder / path
        return {str(file.relative_to(top)): file.read_bytes() for file in sorted(top.rglob("*")) if file.is_file()}

    def forget(self, *paths: str) -> None:
        """Lose the cache and the data; pointers stay."""
        shutil.rmtree(self.folder / ".dvc" / "cache", ignore_errors=True)
        for path in paths:
            target = self.folder / path
            shutil.rmtree(target) if target.is_dir() else target.unlink()


@pytest.fixture
def clone(api: Api, tmp_path: Path) -> Clone:
    return make_clone(api, tmp_path / "one", tmp_path.name)


def make_clone(api: Api, folder: Path, dataset: str, *, token: str | None = None) -> Clone:
    folder.mkdir()
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir()
    env = {
        **os.environ, "HOME": str(home), "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(home / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(home / "config"), "DVC_SYSTEM_CONFIG_DIR": str(home / "system"),
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    made = Clone(folder, env)
    made.git("init", "-q")
    # What `dvc init`, `dvc remote add -d m URL` and `dvc remote modify --local m …` write; each takes a second.
    (folder / ".dvc").mkdir()
    made.write(".dvc/.gitignore", b"/config.local\n/tmp\n/cache\n")
    made.write(".dvc/config", f"[core]\n    remote = m\n['remote \"m\"']\n    url = {api.url}/dvc/{dataset}\n".encode())
    auth = f"['remote \"m\"']\n    auth = basic\n    user = me\n    password = {token or api.token}\n"
    made.write(".dvc/config.local", auth.encode())
    return made


def objects(api: Api, name: str, data: bytes) -> int:
    """The status that the remote answers for these bytes."""
    found = md5(data, usedforsecurity=False).hexdigest()
    headers = {"Authorization": f"Bearer {api.token}"}
    return httpx.head(f"{api.url}/dvc/{name}/files/md5/{found[:2]}/{found[2:]}", headers=headers).status_code


class TestPushAndPull:
    def test_files_and_folders_come_back(self, api: Api, clone: Clone) -> None:
        for number in range(40):
            clone.write(f"images/{number % 4}/ä {number}.png", bytes([number]) * 100 * number)
        clone.write("big.bin", os.urandom(6 * 2**20))
        before = {"images": clone.files("images"), "big": (clone.folder / "big.bin").read_bytes()}
        clone.dvc("add", "images", "big.bin")
        assert "new:" in clone.dvc("status", "-c")
        assert "42 files pushed" in clone.dvc("push")
        assert "in sync" in clone.dvc("status", "-c")
        assert "up to date" in clone.dvc("push")

        clone.forget("images", "big.bin")
        clone.dvc("pull")
        assert {"images": clone.files("images"), "big": (clone.folder / "big.bin").read_bytes()} == before

        clone.write("images/0/new.png", b"new")
        clone.dvc("add", "images")
        assert "2 files pushed" in clone.dvc("push")  # the file and the folder's listing

    def test_auth_by_a_header_of_ones_own(self, api: Api, clone: Clone) -> None:
        auth = ("auth = custom", "custom_auth_header = Authorization", f"password = Bearer {api.token}")
        clone.write(".dvc/config.local", "\n    ".join(["['remote \"m\"']", *auth]).encode())
        clone.write("a.csv", b"a\n1\n")
        clone.dvc("add", "a.csv")
        assert "1 file pushed" in clone.dvc("push")
        clone.forget("a.csv")
        clone.dvc("pull")
        assert clone.files(".")["a.csv"] == b"a\n1\n"

    def test_a_wrong_token_is_said_by_push(self, api: Api, tmp_path: Path) -> None:
        clone = make_clone(api, tmp_path / "wrong", tmp_path.name, token="mlr_wrong")
        clone.write("a.csv", b"a\n1\n")
        clone.dvc("add", "a.csv")
        assert "401, message='Unauthorized'" in clone.dvc("push", fails=True)
        clone.forget("a.csv")
        # All that the protocol lets a pull say: the client reads any refusal of its question as "no".
        assert "Missing cache files" in clone.dvc("pull", fails=True)

    def test_a_read_only_token_pulls_and_does_not_push(self, api: Api, clone: Clone, tmp_path: Path) -> None:
        with api.client() as client:
            viewer = client.post("tokens", json={"name": tmp_path.name, "role": "viewer"}).json()["token"]
        clone.write("a.csv", b"a\n1\n")
        clone.dvc("add", "a.csv")
        clone.dvc("push")
        reader = make_clone(api, tmp_path / "reader", tmp_path.name, token=viewer)
        reader.write("a.csv.dvc", (clone.folder / "a.csv.dvc").read_bytes())
        reader.dvc("pull")
        assert (reader.folder / "a.csv").read_bytes() == b"a\n1\n"
        reader.write("b.csv", b"b\n1\n")
        reader.dvc("add", "b.csv")
        assert "403, message='Forbidden'" in reader.dvc("push", fails=True)


class TestCollecting:
    def test_plain_http_cannot_be_listed_so_the_client_refuses(self, api: Api, clone: Clone) -> None:
        clone.write("a.csv", b"a\n1\n")
        clone.dvc("add", "a.csv")
        clone.dvc("gc", "-c", "-w", "-f", fails=True)

    def test_what_no_pointer_names_goes_from_the_remote(self, api: Api, clone: Clone, tmp_path: Path) -> None:
        pytest.importorskip("dvc_webdav")
        for text in (b"old", b"new"):
            clone.write("d/x.txt", text)
            clone.write("d/y.txt", b"stays")
            clone.dvc("add", "d")
            clone.dvc("push")
        address = f"{api.url}/dvc/{tmp_path.name}".replace("http://", "webdav://")
        remote = ("['remote \"gc\"']", f"url = {address}", "user = me", f"password = {api.token}")
        with (clone.folder / ".dvc" / "config.local").open("a") as config:
            config.write("\n    ".join(remote) + "\n")
        assert "Removed 2 objects from remote" in clone.dvc("gc", "-c", "-w", "-f", "-r", "gc")
        assert [objects(api, tmp_path.name, text) for text in (b"old", b"new", b"stays")] == [404, 200, 200]
        clone.forget("d")
        clone.dvc("pull")
        assert clone.files("d") == {"x.txt": b"new", "y.txt": b"stays"}


class TestAtOnce:
    def test_the_same_bytes_from_three_clients(self, api: Api, tmp_path: Path) -> None:
        clones = [make_clone(api, tmp_path / str(number), tmp_path.name) for number in range(3)]
        for clone in clones:
            for number in range(60):
                clone.write(f"d/{number}.txt", f"line {number}\n".encode() * 50)
            clone.write("big.bin", b"0123456789abcdef" * 300_000)
            clone.dvc("add", "d", "big.bin")
        pushing = [clone.start("push") for clone in clones]
        said = [process.communicate(timeout=120)[0] for process in pushing]
        assert [process.returncode for process in pushing] == [0, 0, 0], said
        before = clones[0].files("d")
        clones[0].forget("d", "big.bin")
        clones[0].dvc("pull")
        assert clones[0].files("d") == before

    def test_a_push_that_is_killed_is_finished_by_the_next(self, api: Api, clone: Clone, tmp_path: Path) -> None:
        data = os.urandom(300 * 2**20)
        clone.write("big.bin", data)
        clone.dvc("add", "big.bin")
        push = clone.start("push")
        before, deadline = _stored(api), time.monotonic() + 60
        while _stored(api) < before + 10 * 2**20:
            assert push.poll() is None, "it was faster than the test"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        push.send_signal(signal.SIGKILL)
        push.communicate()
        assert objects(api, tmp_path.name, data) == 404
        clone.dvc("push")
        assert objects(api, tmp_path.name, data) == 200
        clone.forget("big.bin")
        clone.dvc("pull")
        assert (clone.folder / "big.bin").read_bytes() == data


def _stored(api: Api) -> int:
    """Bytes under the home, which nothing but this push fills meanwhile."""
    sizes = 0
    for path in api.home.rglob("*"):
        with suppress(FileNotFoundError):
            sizes += path.stat().st_size
    return sizes


class TestVersions:
    def test_git_and_the_dataset_lead_to_the_same_bytes(self, api: Api, clone: Clone, tmp_path: Path) -> None:
        name = tmp_path.name
        with api.client() as client:
            for number in (1, 2):
                clone.write("people.csv", b"a\n" + b"1\n" * number)
                clone.dvc("add", "people.csv")
                clone.dvc("push")
                clone.git("add", ".")
                clone.git("commit", "-qm", f"version {number}")
                source = {"kind": "dvc", "pointer": (clone.folder / "people.csv.dvc").read_text()}
                answer = client.post(f"datasets/{name}/versions", json={"source": source, "message": "m"})
                assert (answer.status_code, answer.json()["number"]) == (201, number)
            clone.git("checkout", "-q", "HEAD~1", "--", "people.csv.dvc")
            clone.dvc("checkout", "people.csv.dvc")
            content = client.get(f"datasets/{name}/versions/1/content/people.csv").content
            assert (clone.folder / "people.csv").read_bytes() == content == b"a\n1\n"

    def test_what_was_uploaded_is_pulled_by_its_pointer(self, api: Api, clone: Clone, tmp_path: Path) -> None:
        name = tmp_path.name
        with api.client() as client:
            client.post("datasets", json={"name": name})
            file = [("files", ("people.csv", b"a\n1\n"))]
            folder = [("files", ("x/1 ä.txt", b"one")), ("files", ("2.txt", b"two"))]
            for number, files in enumerate((file, folder), start=1):
                assert client.post(f"datasets/{name}/versions", files=files).status_code == 201
                pointer = client.get(f"datasets/{name}/versions/{number}/pointer").content
                clone.write(f"{number}.dvc", pointer)
        clone.dvc("pull", "1.dvc", "2.dvc")
        assert (clone.folder / "people.csv").read_bytes() == b"a\n1\n"
        assert clone.files(name) == {"x/1 ä.txt": b"one", "2.txt": b"two"}
        assert "in sync" in clone.dvc("status", "-c", "1.dvc", "2.dvc")

"""`source: {kind: git}`: files of a repository, tracked by Git or by DVC with another remote, become a version."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from adapters.settings import Settings
from domain.jobs.models import Job
from tests.conftest import Drain
from tests.git_repositories import PERSON, Clone, digest_of, new_clone
from tests.servers import s3

LIMITS = {"max_upload_bytes": 2_000_000, "max_upload_files": 10}
TABLE = b"a,b\n1,2\n3,4\n"
Import = Callable[..., Job]


def dvc(clone: Clone, *arguments: str, **env: str) -> None:
    environment = {**os.environ, **PERSON, "DVC_NO_ANALYTICS": "1", **env}
    argv = [sys.executable, "-m", "dvc", *arguments, "--quiet"]
    done = subprocess.run(argv, cwd=clone.path, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(
        update={"git_allow_local": str(tmp_path / "repos"), "git_allow_hosts": "localhost"} | LIMITS
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as a team has it: data by DVC in a remote on disk, code and a small table by Git."""
    root = tmp_path_factory.mktemp("made")
    clone = new_clone(root / "repos" / "team")
    dvc(clone, "init")
    clone.write("data/train.csv", TABLE)
    for name in ("1.txt", "sub/2.txt"):
        clone.write(f"data/imgs/{name}", name)
    dvc(clone, "add", "data/train.csv", "data/imgs")
    dvc(clone, "remote", "add", "-d", "disk", str(root / "repos" / "remote"))
    clone.write("small.csv", TABLE)
    clone.commit("the first\n\nwith its data")
    clone.git("tag", "v1")
    dvc(clone, "push")
    for path in ("data/train.csv", ".dvc/cache"):
        subprocess.run(["rm", "-rf", clone.path / path], check=True)
    return root


@pytest.fixture
def clone(made: Path, tmp_path: Path) -> Clone:
    """A copy of it, with its remote."""
    subprocess.run(["cp", "-r", made / "repos", tmp_path / "repos"], check=True)
    copied = Clone(tmp_path / "repos" / "team")
    copied.write(".dvc/config", f"[core]\n    remote = disk\n['remote \"disk\"']\n    url = {tmp_path}/repos/remote\n")
    copied.commit("moved")
    return copied


@pytest.fixture
def bring(client: httpx.Client, clone: Clone, drain: Drain) -> Import:
    """Orders a build of dataset `d` from the clone, and gives its job as it ended."""
    client.post("datasets", json={"name": "d"})

    def order(path: str, **more: Any) -> Job:
        source = {"kind": "git", "git": str(clone.path), "path": path} | more
        answer = client.post("datasets/d/versions", json={"source": source, "message": "brought"})
        assert answer.status_code == 202, answer.text
        return next(job for job in drain() if job.kind == "BuildVersion")

    return order


def version(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("datasets/d/versions/latest").json()
    return found


class TestImport:
    def test_of_a_file_that_dvc_tracks(self, client: httpx.Client, clone: Clone, bring: Import) -> None:
        job = bring("data/train.csv")
        assert job.state == "succeeded", job.error
        made = version(client)
        assert made["source"] == {
            "kind": "git",
            "git": str(clone.path),
            "rev": "HEAD",
            "path": "data/train.csv",
            "url": str(clone.path),
            "commit": clone.git("rev-parse", "HEAD"),
            "author": "Ada <ada@example.org>",
            "message": "moved",
        }
        assert (made["state"], made["rows"], made["message"]) == ("validated", 2, "brought")
        assert client.get("datasets/d/versions/1/content/train.csv").content == TABLE

    def test_of_a_folder_that_dvc_tracks(self, client: httpx.Client, bring: Import) -> None:
        assert bring("data/imgs").state == "succeeded"
        files = client.get("datasets/d/versions/1/files").json()["items"]
        assert [one["path"] for one in files] == ["1.txt", "sub/2.txt"]

    def test_of_a_file_that_git_tracks_at_a_tag(self, client: httpx.Client, clone: Clone, bring: Import) -> None:
        assert bring("small.csv", rev="v1").state == "succeeded"
        assert version(client)["source"]["commit"] == clone.git("rev-parse", "v1")

    def test_by_the_name_of_a_registered_repository(self, client: httpx.Client, clone: Clone, bring: Import) -> None:
        client.post("repositories", json={"name": "team", "address": str(clone.path)})
        assert bring("small.csv", git="team").state == "succeeded"
        assert (version(client)["source"]["git"], version(client)["source"]["url"]) == ("team", str(clone.path))

    def test_of_what_the_clone_has_in_its_own_cache(self, client: httpx.Client, clone: Clone, bring: Import) -> None:
        clone.write(".dvc/config", "")
        clone.write("fresh.csv", TABLE)
        dvc(clone, "add", "fresh.csv")
        clone.commit("not pushed anywhere")
        assert bring("fresh.csv").state == "succeeded"

    @pytest.mark.s3
    @pytest.mark.slow
    def test_from_a_remote_in_s3(
        self, *, client: httpx.Client, clone: Clone, bring: Import, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in keys.items():
            monkeypatch.setenv(name, value)
        with s3() as url:
            boto3.client("s3", endpoint_url=url).create_bucket(Bucket="data")
            config = "[core]\n remote = s\n['remote \"s\"']\n url = s3://data/team\n endpointurl = {}\n"
            clone.write(".dvc/config", config.format(url))
            clone.write("cloud.csv", TABLE)
            dvc(clone, "add", "cloud.csv")
            dvc(clone, "push")
            subprocess.run(["rm", "-rf", clone.path / ".dvc/cache", clone.path / "cloud.csv"], check=True)
            clone.commit("in the cloud")
            job = bring("cloud.csv")
            assert (job.state, (job.error or {}).get("code")) == ("failed", "git_address_refused")  # 127.0.0.1
            clone.write(".dvc/config", config.format(url.replace("127.0.0.1", "localhost")))
            clone.commit("by a name that is allowed")
            job = bring("cloud.csv")
            assert job.state == "succeeded", job.error
        assert version(client)["digest"] == digest_of(TABLE)


class TestBadInput:
    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"rev": "nope"}, "unknown_revision"),
            ({"path": "nope.csv"}, "unknown_repository_path"),
        ],
    )
    def test_what_is_not_there_is_said(self, bring: Import, more: dict[str, str], code: str) -> None:
        job = bring(**{"path": "small.csv"} | more)
        assert (job.state, (job.error or {})["code"]) == ("failed", code)
        assert next(iter(more.values())) in (job.error or {})["message"]

    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("link.csv", "/etc/passwd"),
            ("data/imgs2/link.csv", "../../../outside"),
            ("folder", "/etc"),
            ("data/train2.csv", "/etc/passwd"),
            ("link.csv", "small.csv"),
        ],
    )
    def test_a_link_is_refused(self, clone: Clone, bring: Import, path: str, target: str) -> None:
        place = f"{path}.dvc" if path.startswith("data/train2") else path
        (clone.path / place).parent.mkdir(parents=True, exist_ok=True)
        (clone.path / place).symlink_to(target)
        clone.git("add", "-f", place)
        clone.commit("a link")
        asked = "data/imgs2" if path.startswith("data/imgs2") else "folder/x.csv" if path == "folder" else path
        job = bring(asked)
        assert (job.state, (job.error or {})["code"]) == ("failed", "link_in_repository")
        assert place in (job.error or {})["message"]

    @pytest.mark.parametrize(
        ("config", "code"),
        [
            ("url = /etc", "git_address_refused"),
            ("url = ../../../../../etc", "git_address_refused"),
            ("url = http://169.254.169.254/latest", "git_address_refused"),
            ("url = s3://bucket/x\n endpointurl = http://127.0.0.1:9/", "git_address_refused"),
            ("url = ssh://host/x", "dvc_remote_refused"),
            ("url = file:///etc", "dvc_remote_refused"),
            ("url = remote://other/x", "dvc_remote_refused"),
            ("url = https://u:p@host.example/x", "dvc_remote_refused"),
            ("", "dvc_remote_refused"),
        ],
    )
    def test_a_dvc_remote_where_nobody_may_read_is_refused(
        self, clone: Clone, bring: Import, config: str, code: str
    ) -> None:
        clone.write(".dvc/config", f"[core]\n remote = x\n['remote \"x\"']\n {config}\n region = r\n")
        clone.commit("elsewhere")
        job = bring("data/train.csv")
        assert (job.state, (job.error or {})["code"]) == ("failed", code)

    def test_other_settings_of_the_repository_do_not_count(
        self, client: httpx.Client, clone: Clone, bring: Import, tmp_path: Path
    ) -> None:
        config = (clone.path / ".dvc/config").read_text()
        clone.write(".dvc/config", f"{config}[cache]\n    dir = {tmp_path}/elsewhere\n")
        clone.write(".dvc/config.local", "['remote \"disk\"']\n    url = /etc\n")
        clone.git("add", "-f", ".dvc/config.local")
        clone.commit("settings")
        assert bring("data/train.csv").state == "succeeded"
        assert not (tmp_path / "elsewhere").exists()

    @pytest.mark.parametrize(
        "pointer",
        [
            "deps:\n- path: x\n  repo:\n    url: /etc\nouts:\n- md5: {md5}\n  path: in.csv\n",
            "deps:\n- path: http://169.254.169.254/x\nouts:\n- md5: {md5}\n  path: in.csv\n",
            "outs:\n- md5: {md5}\n  hash: md5\n  path: /etc/passwd\n",
            "outs:\n- md5: {md5}\n  hash: md5\n  path: ../../x\n",
            "outs: 7\n",
            "[",
        ],
    )
    def test_a_pointer_to_a_third_place_is_refused(self, clone: Clone, bring: Import, pointer: str) -> None:
        clone.write("in.csv.dvc", pointer.replace("{md5}", "0" * 32))
        clone.commit("a third place")
        job = bring("in.csv")
        assert (job.state, (job.error or {})["code"]) == ("failed", "import_of_import")
        assert bring("small.csv").state == "succeeded"

    def test_bytes_that_the_remote_does_not_have_are_said(self, clone: Clone, bring: Import, tmp_path: Path) -> None:
        subprocess.run(["rm", "-rf", tmp_path / "repos" / "remote"], check=True)
        job = bring("data/train.csv")
        assert (job.error or {})["code"] == "dvc_failed"

    @pytest.mark.parametrize(
        ("source", "status", "code"),
        [
            ({"git": "/etc"}, 403, "git_address_refused"),
            ({"git": "file:///etc"}, 403, "git_address_refused"),
            ({"git": "https://127.0.0.1/x"}, 403, "git_address_refused"),
            ({"git": "https://metadata.google.internal/x"}, 403, "git_address_refused"),
            ({"git": "ext::sh -c id"}, 422, "bad_git_address"),
            ({"git": "--upload-pack=id"}, 422, "bad_git_address"),
            ({"git": "https://a:b@forge.example/x"}, 422, "bad_git_address"),
            ({"rev": "--exec=x"}, 422, "invalid_request"),
            ({"rev": "a..b c"}, 422, "invalid_request"),
            ({"path": ""}, 422, "invalid_request"),
            ({"path": "a\x00b"}, 422, "invalid_request"),
        ],
    )
    def test_bad_sources_are_refused_at_once(
        self, *, client: httpx.Client, bring: Import, source: dict[str, str], status: int, code: str
    ) -> None:
        body = {"kind": "git", "git": "https://forge.example/x", "path": "a.csv"} | source
        answer = client.post("datasets/d/versions", json={"source": body})
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    @pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "."])
    def test_paths_out_of_the_repository_are_refused(self, bring: Import, path: str) -> None:
        job = bring(path)
        assert (job.state, (job.error or {})["code"]) == ("failed", "bad_file_name")

    def test_a_file_that_is_too_large_is_refused(self, clone: Clone, bring: Import) -> None:
        clone.commit("large", **{"large.csv": "x" * 2_000_001})
        job = bring("large.csv")
        assert (job.state, (job.error or {})["code"]) == ("failed", "import_too_large")

    def test_too_many_files_are_refused(self, clone: Clone, bring: Import) -> None:
        clone.commit("many", **{f"many/{number}": "x" for number in range(12)})
        job = bring("many")
        assert (job.state, (job.error or {})["code"]) == ("failed", "import_too_large")

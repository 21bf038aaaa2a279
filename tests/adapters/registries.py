"""A real registry on loopback, with or without a password, and a tiny base image in it."""

import json
import os
import shutil
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adapters.oci.access import RegistryAccess
from adapters.oci.assembly import Base, assemble, digest_of
from adapters.oci.layers import write_layer
from adapters.oci.registry import Registry
from tests.servers import free_port, running

PROGRAM = shutil.which("docker-registry")
SKOPEO = shutil.which("skopeo")
USER, PASSWORD = "ann", "open sesame"
_BCRYPT = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"  # of PASSWORD
LOOPBACK = RegistryAccess()


def need_programs() -> None:
    """Skips where the machine has no registry; in CI it must have one."""
    if PROGRAM is None or SKOPEO is None:
        assert "CI" not in os.environ, "docker-registry and skopeo are missing"
        pytest.skip("docker-registry and skopeo are not installed")


@contextmanager
def registry(folder: Path, *, password: bool = False) -> Iterator[str]:
    """The host of a running registry that keeps its blobs in `folder`."""
    need_programs()
    assert PROGRAM is not None
    folder.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    settings: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}},
        "http": {"addr": host},
    }
    if password:
        users = folder / "users"
        users.write_text(f"{USER}:{_BCRYPT}\n", encoding="utf-8")
        settings["auth"] = {"htpasswd": {"realm": "here", "path": str(users)}}
    path = folder / "registry.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    with running([PROGRAM, "serve", str(path)]):
        _wait_for(host)
        yield host


def _wait_for(host: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            httpx.get(f"http://{host}/v2/", trust_env=False)
        except httpx.HTTPError:
            assert time.monotonic() < deadline, "The registry does not answer."
            time.sleep(0.02)
        else:
            return


def auth_file(path: Path, host: str, *, password: str = PASSWORD) -> Path:
    secret = b64encode(f"{USER}:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {host: {"auth": secret}}}), encoding="utf-8")
    return path


def push_base(host: str, scratch: Path, *, access: RegistryAccess = LOOPBACK, architecture: str = "amd64") -> str:
    """Pushes `HOST/serving:1`, made of one file; returns its name."""
    layer = write_layer(scratch / f"base-{architecture}.tar.gz", {"etc/base": architecture.encode()}, owner=0)
    config = {
        "os": "linux",
        "architecture": architecture,
        "config": {"Env": ["PATH=/bin", "MILLRACE_HOME=/old"], "WorkingDir": "/srv", "Labels": {"from": "base"}},
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    image = assemble(
        Base([], config), layer, created="2026-01-01T00:00:00Z", environment={}, labels={}, command=[], user="", port=1
    )
    with Registry(host, access) as there:
        there.upload("serving", layer.path, layer.digest)
        there.upload("serving", image.config, digest_of(image.config))
        there.put_manifest("serving", "1", image.manifest)
    return f"{host}/serving:1"

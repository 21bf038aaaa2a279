"""What DVC's client sends, as tests say it: objects under their MD5, and listings of folders."""

from hashlib import md5

import httpx

from domain.datasets.manifest import ManifestEntry, directory_listing

ROOT = "http://millrace"


def digest(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


def url(object_: str, name: str = "a") -> str:
    return f"{ROOT}/dvc/{name}/files/md5/{object_[:2]}/{object_[2:]}"


def push(client: httpx.Client, data: bytes, name: str = "a", *, object_: str | None = None) -> httpx.Response:
    return client.post(url(object_ or digest(data), name), content=iter([data]))  # chunked, as DVC sends it


def listing(*rows: tuple[str, bytes]) -> bytes:
    return directory_listing([ManifestEntry(path, digest(data), len(data)) for path, data in rows])


def push_listing(client: httpx.Client, data: bytes, name: str = "a") -> httpx.Response:
    return push(client, data, name, object_=f"{digest(data)}.dir")

"""Packages on local disk: every byte is checked, damage heals from the store, and nothing is written outside."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectMissing, StoreUnavailable
from ml.models import BadPackage
from serving.packages import PackageCache
from tests.serving.plants import MovableStore, regression_package


def test_fetches_once_and_needs_the_store_no_more(store: MovableStore, bikes: str, tmp_path: Path) -> None:
    cache = PackageCache(store, tmp_path / "cache")
    directory, package = cache.fetch(bikes)
    store.away = True
    assert cache.fetch(bikes) == (directory, package)
    assert package.run_id == "run-1"


def test_a_damaged_copy_is_fetched_again(store: LocalStore, bikes: str, tmp_path: Path) -> None:
    cache = PackageCache(store, tmp_path / "cache")
    directory, _ = cache.fetch(bikes)
    (directory / "model.onnx").write_bytes(b"damaged")
    cache.fetch(bikes)
    assert (directory / "model.onnx").read_bytes() == store.get(f"packages/{bikes}/model.onnx")


@pytest.mark.parametrize("name", ["model.onnx", "package.json"])
def test_refuses_what_does_not_have_its_digest(store: LocalStore, bikes: str, tmp_path: Path, name: str) -> None:
    store.put(f"packages/{bikes}/{name}", b"{}")
    with pytest.raises(BadPackage):
        PackageCache(store, tmp_path / "cache").fetch(bikes)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("name", ["model.onnx", "package.json"])
def test_a_missing_file_is_a_missing_object(store: LocalStore, bikes: str, tmp_path: Path, name: str) -> None:
    store.delete(f"packages/{bikes}/{name}")
    with pytest.raises(ObjectMissing):
        PackageCache(store, tmp_path / "cache").fetch(bikes)


def test_an_unreachable_store_is_said_to_be_unreachable(store: MovableStore, bikes: str, tmp_path: Path) -> None:
    store.away = True
    with pytest.raises(StoreUnavailable):
        PackageCache(store, tmp_path / "cache").fetch(bikes)


@pytest.mark.parametrize("path", ["../outside", "/outside", "a/../../outside", "nul\0"])
def test_refuses_files_outside_the_package(store: LocalStore, bikes: str, tmp_path: Path, path: str) -> None:
    listing = json.loads(store.get(f"packages/{bikes}/package.json"))
    listing["files"][0]["path"] = path
    text = json.dumps(listing).encode()
    digest = sha256(text).hexdigest()
    store.put(f"packages/{digest}/package.json", text)
    with pytest.raises(BadPackage, match="not a path inside"):
        PackageCache(store, tmp_path / "cache").fetch(digest)
    assert list(tmp_path.rglob("outside")) == []


def test_refuses_a_listing_that_is_no_package(store: LocalStore, tmp_path: Path) -> None:
    digest = sha256(b"{}").hexdigest()
    store.put(f"packages/{digest}/package.json", b"{}")
    with pytest.raises(BadPackage, match="not valid"):
        PackageCache(store, tmp_path / "cache").fetch(digest)


def test_keeps_only_so_many(store: LocalStore, tmp_path: Path) -> None:
    cache = PackageCache(store, tmp_path / "cache", keep=2)
    kept = [cache.fetch(regression_package(store, version))[0] for version in (1, 2, 3)]
    assert [directory.exists() for directory in kept] == [False, True, True]

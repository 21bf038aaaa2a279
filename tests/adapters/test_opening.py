"""Which store a URL opens, which URLs are refused, and that the settings keep their secrets."""

import sys
import traceback
from pathlib import Path

import pytest

from adapters.object_store.backend import Address
from adapters.object_store.local import LocalStore
from adapters.object_store.opening import (
    KINDS,
    BadStoreUrl,
    SecretInUrl,
    StoreNotInstalled,
    open_store,
    parsed,
)
from adapters.runtime import open_runtime
from adapters.settings import Settings
from tests.adapters.places import Place

SECRET = "hush-hush-hush"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket", Address("s3", "bucket")),
        ("s3://bucket/", Address("s3", "bucket")),
        ("s3://my.bucket-1/some/prefix/", Address("s3", "my.bucket-1", "some/prefix")),
        ("gs://bucket/prefix", Address("gs", "bucket", "prefix")),
        ("az://container/prefix", Address("az", "container", "prefix")),
        ("abfs://container@account.dfs.core.windows.net/p", Address("abfs", "container", "p", "account")),
        ("gdrive://", Address("gdrive", "")),
        ("gdrive://Our data/2026", Address("gdrive", "Our data", "2026")),
        ("memory://one/two", Address("memory", "one", "two")),
    ],
)
def test_url_in_parts(url: str, address: Address) -> None:
    assert parsed(url) == address


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_folder(tmp_path: Path, prefix: str) -> None:
    store = open_store(f"{prefix}{tmp_path}/what? a #1 folder")
    store.put("a", b"1")
    assert isinstance(store, LocalStore)
    assert (tmp_path / "what? a #1 folder" / "a").read_bytes() == b"1"


@pytest.mark.parametrize(
    "url",
    [
        f"s3://key:{SECRET}@bucket/prefix",
        f"s3://key:{SECRET}/with/slashes@bucket/prefix",
        f"s3://{SECRET}@bucket",
        f"s3://bucket/prefix?secret={SECRET}",
        f"s3://bucket#{SECRET}",
        f"gs://user:{SECRET}@bucket",
        f"az://container/prefix?sv=2024&sig={SECRET}",
        f"az://{SECRET}@container/prefix",
        f"abfs://container:{SECRET}@account.dfs.core.windows.net/p",
        f"gdrive://{SECRET}@folder",
    ],
)
def test_credentials_in_a_url_are_refused_at_start_and_not_repeated(tmp_path: Path, url: str) -> None:
    for settings in (
        Settings(home=tmp_path, store_url=url, _env_file=None),
        Settings(home=tmp_path, model_store_url=url, _env_file=None),
    ):
        with pytest.raises(SecretInUrl) as caught:
            open_runtime(settings)
        assert "settings" in str(caught.value.fix)
        assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "http://bucket", "s3://", "s3:///prefix", "az://bad bucket/x", "S3://b"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(BadStoreUrl):
        open_store(url)


def test_prefix_that_climbs_is_refused() -> None:
    with pytest.raises(BadStoreUrl):
        open_store("memory://bucket/a/../b")


@pytest.mark.parametrize(
    ("scheme", "library"), [("s3", "s3fs"), ("gs", "gcsfs"), ("az", "adlfs"), ("gdrive", "gdrive_fsspec")]
)
def test_names_the_extra_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, scheme: str, library: str) -> None:
    kind = KINDS[scheme]
    for name in [each for each in sys.modules if each.partition(".")[0] == library]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"adapters.object_store.{kind.module}", raising=False)
    with pytest.raises(StoreNotInstalled) as caught:
        open_store(f"{scheme}://bucket")
    assert caught.value.fix == f"pip install 'millrace[{kind.extra}]'"


@pytest.mark.s3
def test_without_settings_the_stores_own_variables_are_used(s3: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.credentials.s3_endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tester")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = Place(f"{s3.url}/by-environment").open()
    store.put("a", b"1")
    assert Place(f"{s3.url}/by-environment", s3.credentials).open().get("a") == b"1"


def test_settings_are_read_from_the_environment_and_keep_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    of_s3 = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_SESSION_TOKEN")
    for name in (*of_s3, "AZURE_ACCOUNT_KEY", "AZURE_SAS_TOKEN", "AZURE_CONNECTION_STRING"):
        monkeypatch.setenv(f"MILLRACE_{name}", SECRET)
    settings = Settings(_env_file=None)
    assert settings.s3_secret_access_key.get_secret_value() == SECRET
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_empty_variable_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_GCS_CREDENTIALS_FILE", "")
    assert Settings(_env_file=None).gcs_credentials_file is None

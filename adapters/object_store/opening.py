"""`open_store`: the store at a URL, opened with what the settings have for it."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from adapters.object_store.backend import Address, Backend
from adapters.object_store.credentials import NO_CREDENTIALS, Scrubber, StoreCredentials
from adapters.object_store.fsspec_store import FsspecStore
from adapters.object_store.keys import BadKey, checked_key
from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectStore, StoreForbidden
from adapters.object_store.retries import Patience
from adapters.object_store.troubles import Trouble, trouble_of
from domain.errors import DomainError, Invalid


class BadStoreUrl(Invalid):
    code = "bad_store_url"


class SecretInUrl(Invalid):
    code = "secret_in_store_url"


class StoreNotInstalled(Invalid):
    code = "store_not_installed"


class Kind(NamedTuple):
    """Where a kind of store is implemented, and the extra that brings what it needs."""

    module: str
    backend: str
    extra: str


_S3 = Kind("s3", "S3Backend", "s3")
_GCS = Kind("gcs", "GcsBackend", "gcs")
_AZURE = Kind("azure", "AzureBackend", "azure")
KINDS = {
    "s3": _S3,
    "gs": _GCS,
    "gcs": _GCS,
    "az": _AZURE,
    "abfs": _AZURE,
    "abfss": _AZURE,
    "gdrive": Kind("gdrive", "DriveBackend", "gdrive"),
    "memory": Kind("memory", "MemoryBackend", ""),
}
_AZURE_HOST = re.compile(r"(?P<container>[a-z0-9-]+)@(?P<account>[a-z0-9]+)\.(dfs|blob)\.core\.windows\.net")
_BUCKET = re.compile(r"[\w.-]+")
_NO_SECRETS = "Credentials belong into the settings: see docs/how-to/choose-a-store.md."


def open_store(
    url: str, credentials: StoreCredentials = NO_CREDENTIALS, *, patience: Patience | None = None
) -> ObjectStore:
    """The store at `url`: a folder (plain path or `file://`), `s3://`, `gs://`, `az://`, `gdrive://` or `memory://`.

    Raises BadStoreUrl, SecretInUrl, StoreNotInstalled, or StoreForbidden when credentials cannot even be read.
    Nothing is asked of the store yet: one that is away may come back.
    """
    try:
        if "://" not in url or url.startswith("file://"):
            return LocalStore(Path(url.removeprefix("file://")))
        address, scrubber = parsed(url), Scrubber(credentials)
        backend = _connected(address, credentials, scrubber)
    except DomainError as error:
        if error.fix:  # most are met by a person who starts a process and sees a traceback
            error.add_note(error.fix)
        raise
    return FsspecStore(backend, address.prefix, patience=patience or Patience(), scrubber=scrubber)


def parsed(url: str) -> Address:
    """The parts of a remote URL. No message repeats it: what is wrong with it may be that it has a secret in it."""
    scheme, _, rest = url.partition("://")
    if scheme not in KINDS:
        known = ", ".join(f"{each}://" for each in KINDS)
        raise BadStoreUrl(f"There is no store for {scheme}://.", where="store_url", fix=f"Use a folder, or {known}.")
    if "?" in rest or "#" in rest:
        raise SecretInUrl(f"The {scheme}:// URL of a store has parameters.", where="store_url", fix=_NO_SECRETS)
    bucket, _, prefix = rest.partition("/")
    account = ""
    if scheme in ("az", "abfs", "abfss") and (host := _AZURE_HOST.fullmatch(bucket)):
        bucket, account = host["container"], host["account"]
    if ("@" in rest and not account) or ":" in bucket:
        raise SecretInUrl(f"The {scheme}:// URL of a store has credentials in it.", where="store_url", fix=_NO_SECRETS)
    if not (_BUCKET.fullmatch(bucket) or scheme == "gdrive"):  # a folder of Drive may be called anything
        raise BadStoreUrl(
            f"The {scheme}:// URL of a store names no bucket.", where="store_url", fix=f"{scheme}://BUCKET/PREFIX"
        )
    prefix = prefix.rstrip("/")
    try:
        return Address(scheme, bucket, checked_key(prefix) if prefix else "", account)
    except BadKey:
        raise BadStoreUrl(f"The prefix in the {scheme}:// URL of a store is no key.", where="store_url") from None


def _connected(address: Address, credentials: StoreCredentials, scrubber: Scrubber) -> Backend:
    kind = KINDS[address.scheme]
    try:
        module: Any = import_module(f"adapters.object_store.{kind.module}")
    except ImportError as error:
        raise StoreNotInstalled(
            f"A {address.scheme}:// store needs the extra {kind.extra!r}: {error}.",
            where="store_url",
            fix=f"pip install 'millrace[{kind.extra}]'",
        ) from error
    backend_type = getattr(module, kind.backend)
    try:
        backend: Backend = backend_type(address, credentials)
    except Exception as error:
        if trouble_of(error) is not Trouble.FORBIDDEN and not isinstance(error, OSError | ValueError):
            raise
        said = scrubber.clean(f"{type(error).__name__}: {error}")
        raise StoreForbidden(
            f"A {address.scheme}:// store cannot be opened: {said}",
            where="store_url",
            fix=f"Check {backend_type.settings}.",
        ) from None
    return backend

"""`az://CONTAINER/PREFIX`: Azure Blob Storage, through adlfs and the client that it opens."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast
from uuid import uuid4

from adlfs import AzureBlobFileSystem
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobBlock
from fsspec.asyn import sync

from adapters.object_store.backend import MIB, Address, Found, PartsLost
from adapters.object_store.credentials import StoreCredentials

T = TypeVar("T")
# FsspecStore has the patience: the library's own pauses for 15 seconds and more.
_ONCE: dict[str, Any] = {"retry_total": 0}


class AzureBackend:
    settings = (
        "MILLRACE_AZURE_ACCOUNT_NAME with MILLRACE_AZURE_ACCOUNT_KEY or MILLRACE_AZURE_SAS_TOKEN, "
        "or MILLRACE_AZURE_CONNECTION_STRING (or Azure's own variables or managed identity)"
    )
    parallel = 8
    part_size = 8 * MIB
    most_parts = 50_000
    parts_in_order = False
    delete_batch = 1

    def __init__(self, address: Address, credentials: StoreCredentials) -> None:
        self.where = f"az://{address.bucket}"
        self._container = address.bucket
        self._fs = AzureBlobFileSystem(
            account_name=address.account or credentials.azure_account_name or None,
            account_key=credentials.azure_account_key.get_secret_value() or None,
            sas_token=credentials.azure_sas_token.get_secret_value() or None,
            connection_string=credentials.azure_connection_string.get_secret_value() or None,
            use_listings_cache=False,
            skip_instance_cache=True,
        )

    def put(self, name: str, data: bytes) -> None:
        self._of_blob(name, lambda blob: blob.upload_blob(data, length=len(data), overwrite=True, **_ONCE))

    def read(self, name: str, start: int | None = None, length: int = 0) -> bytes:
        async def read(blob: Any) -> bytes:
            part = {} if start is None else {"offset": start, "length": length}
            stream = await blob.download_blob(**part, **_ONCE)
            return cast("bytes", await stream.readall())

        return self._of_blob(name, read)

    def info(self, name: str) -> Found:
        return _found(self._of_blob(name, lambda blob: blob.get_blob_properties(**_ONCE)))

    def page(self, folder: str, after: str | None, limit: int) -> tuple[list[Found], str | None]:
        async def page() -> tuple[list[Found], str | None]:
            async with self._fs.service_client.get_container_client(self._container) as container:
                listed = container.list_blobs(name_starts_with=folder, results_per_page=limit, **_ONCE)
                pages = listed.by_page(continuation_token=after)
                found = [_found(blob) async for blob in await anext(pages) if not _is_folder(blob)]
                return found, pages.continuation_token or None

        return cast("tuple[list[Found], str | None]", sync(self._fs.loop, page))

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                self._of_blob(name, lambda blob: blob.delete_blob(**_ONCE))
            except ResourceNotFoundError as error:
                if _code(error) != "BlobNotFound":
                    raise

    def begin(self, name: str, size: int) -> "AzureParts":
        return AzureParts(self, name)

    def _of_blob(self, name: str, act: Callable[[Any], Awaitable[T]]) -> T:
        async def acting() -> T:
            async with self._fs.service_client.get_blob_client(self._container, name) as blob:
                return await act(blob)

        return cast("T", sync(self._fs.loop, acting))


class AzureParts:
    """Blocks that are not committed are seen by nobody. There is no way to drop them: Azure does it after a week."""

    def __init__(self, backend: AzureBackend, name: str) -> None:
        self._backend = backend
        self._name = name
        self._mark = uuid4().hex  # another upload to the same name has other blocks
        self._blocks: set[str] = set()

    def put(self, number: int, offset: int, data: bytes) -> None:
        block = f"{self._mark}-{number:06}"
        self._backend._of_blob(self._name, lambda blob: blob.stage_block(block, data, length=len(data), **_ONCE))
        self._blocks.add(block)

    def complete(self) -> None:
        blocks = [BlobBlock(block) for block in sorted(self._blocks)]
        try:
            self._backend._of_blob(self._name, lambda blob: blob.commit_block_list(blocks, **_ONCE))
        except HttpResponseError as error:
            if _code(error) == "InvalidBlockList":  # another one to the same name was committed first
                raise PartsLost(self._name) from error
            raise

    def abort(self) -> None:
        """Nothing to be told."""


def _code(error: HttpResponseError) -> str:
    return str(getattr(error, "error_code", ""))


def _is_folder(blob: Any) -> bool:
    """A placeholder for a folder, as accounts with a hierarchical namespace have them."""
    return blob.name.endswith("/") or (blob.metadata or {}).get("hdi_isfolder") == "true"


def _found(blob: Any) -> Found:
    return Found(blob.name, blob.size, blob.last_modified.timestamp())

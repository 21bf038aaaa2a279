"""`gs://BUCKET/PREFIX`: Google Cloud Storage, through gcsfs. Objects go up in one stream each, resumed part by part."""

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import md5
from io import BytesIO
from typing import Any, cast
from urllib.parse import quote

from gcsfs.core import GCSFileSystem

from adapters.object_store.backend import MIB, Address, Found
from adapters.object_store.credentials import StoreCredentials
from adapters.object_store.google_credentials import read_credentials
from adapters.object_store.google_uploads import OCTETS, ResumableParts, kept_by, multipart

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_FIELDS = "nextPageToken,items(name,size,updated)"


class GcsBackend:
    settings = "MILLRACE_GCS_CREDENTIALS_FILE (or Google's application default credentials)"
    parallel = 8
    part_size = 16 * MIB  # a multiple of 256 KiB, as the protocol demands
    most_parts = 2**31
    parts_in_order = True
    delete_batch = 1

    def __init__(self, address: Address, credentials: StoreCredentials) -> None:
        self.where = f"gs://{address.bucket}"
        self._bucket = address.bucket
        file, endpoint = credentials.gcs_credentials_file, credentials.gcs_endpoint_url
        # An endpoint of one's own without a file is an emulator, which asks for nothing.
        token = read_credentials(file, _SCOPE) if file is not None else "anon" if endpoint else "google_default"
        self._fs = GCSFileSystem(
            token=token,
            endpoint_url=endpoint or None,
            requests_timeout=60,
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        self._uploads = f"{self._fs._location}/upload/storage/v1/b/{quote(address.bucket)}/o"
        # One try: FsspecStore has the patience, and gcsfs' own has no end of pauses.
        self._fs._request = GCSFileSystem._request.__wrapped__.__get__(self._fs)

    def put(self, name: str, data: bytes) -> None:
        # Not gcsfs' own way: it ends where the bytes contain its fixed multipart boundary. The MD5 is checked there.
        checksum = b64encode(md5(data, usedforsecurity=False).digest()).decode()
        kind, body = multipart({"name": name, "md5Hash": checksum}, data)
        self._call("POST", self._uploads, uploadType="multipart", headers={"Content-Type": kind}, data=BytesIO(body))

    def read(self, name: str, start: int | None = None, length: int = 0) -> bytes:
        part = {"Range": f"bytes={start}-{start + length - 1}"} if start is not None else {}
        url = f"{self._fs._location}/download/storage/v1/b/{{}}/o/{{}}"
        return cast("bytes", self._call("GET", url, self._bucket, name, alt="media", headers=part)[1])

    def info(self, name: str) -> Found:
        return _found(self._call("GET", "b/{}/o/{}", self._bucket, name, json_out=True))

    def page(self, folder: str, after: str | None, limit: int) -> tuple[list[Found], str | None]:
        answer = self._call(
            *("GET", "b/{}/o", self._bucket),
            prefix=folder,
            maxResults=limit,
            pageToken=after,
            fields=_FIELDS,
            json_out=True,
        )
        found = [_found(each) for each in answer.get("items", []) if not each["name"].endswith("/")]
        return found, answer.get("nextPageToken")

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                self._call("DELETE", "b/{}/o/{}", self._bucket, name)
            except FileNotFoundError:
                self.page(name, None, 1)  # the bucket is there?

    def begin(self, name: str, size: int) -> ResumableParts:
        more: Any = {"json": {"name": name}, "headers": {"X-Upload-Content-Type": OCTETS}}
        begun, _ = self._call("POST", self._uploads, uploadType="resumable", name=name, **more)
        session: str = begun["Location"]

        def send(headers: dict[str, str], data: bytes) -> int | None:
            answered, body = self._call("PUT", session, headers=headers, data=BytesIO(data))
            return None if body and "name" in json.loads(body) else kept_by(answered.get("Range"))

        return ResumableParts(send, lambda: self._call("DELETE", session), size)

    def _call(self, method: str, path: str, *arguments: str, **more: object) -> Any:
        try:
            return self._fs.call(method, path, *arguments, **more)
        except OSError as error:
            if type(error) is OSError and str(error).startswith("Forbidden"):  # all that gcsfs leaves of a 403
                raise PermissionError(str(error)) from error
            raise


def _found(each: dict[str, Any]) -> Found:
    return Found(each["name"], int(each.get("size", 0)), datetime.fromisoformat(each["updated"]).timestamp())

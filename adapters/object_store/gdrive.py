"""`gdrive://FOLDER/PREFIX`: Google Drive, through gdrive-fsspec and the client that it opens.

Drive has ids, not names: one folder may hold two files of one name, and gdrive-fsspec's own writing makes them. Here
the newest counts, and writing replaces it. The client is for one thread at a time, so this is a place to keep data
where a team already has room, not one to serve from.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from threading import RLock
from typing import Any, cast

import google.auth
from gdrive_fsspec.core import DIR_MIME_TYPE, GoogleDriveFileSystem
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import build_http

from adapters.object_store.backend import MIB, Address, Found
from adapters.object_store.credentials import StoreCredentials
from adapters.object_store.google_credentials import read_credentials
from adapters.object_store.google_uploads import JSON, OCTETS, ResumableParts, kept_by, multipart

_SCOPE = "https://www.googleapis.com/auth/drive"
_FIELDS = "nextPageToken,files(id,name,size,mimeType,modifiedTime)"
_ALL_DRIVES = {"supportsAllDrives": True}


class Drive(GoogleDriveFileSystem):  # type: ignore[misc]  # the library has no types
    """gdrive-fsspec on a client that is open: its own ways to open one want a browser, or know one kind of file."""

    def __init__(self, service: Any, root: str) -> None:
        self._service = service
        super().__init__(root_file_id=root or None, skip_instance_cache=True, use_listings_cache=False)

    def connect(self, method: str | None = None) -> None:
        self.srv = self._service
        self.files = self._service.files()


class DriveBackend:
    settings = "MILLRACE_GDRIVE_CREDENTIALS_FILE, and whether the folder is shared with that account"
    parallel = 1
    part_size = 16 * MIB  # a multiple of 256 KiB, as the protocol demands
    most_parts = 2**31
    parts_in_order = True
    delete_batch = 1

    def __init__(self, address: Address, credentials: StoreCredentials) -> None:
        self.where = f"gdrive://{address.bucket}"
        self._top = [address.bucket] if address.bucket else []
        self._endpoint = credentials.gdrive_endpoint_url or "https://www.googleapis.com"
        file = credentials.gdrive_credentials_file
        opened = read_credentials(file, _SCOPE) if file else google.auth.default([_SCOPE])[0]
        self._http = AuthorizedHttp(opened, http=build_http())
        options = {"api_endpoint": f"{self._endpoint}/drive/v3/"}
        service = build("drive", "v3", http=self._http, client_options=options, cache_discovery=False)
        self._fs = Drive(service, credentials.gdrive_folder_id)
        self._folders: dict[tuple[str, ...], str] = {}
        self._lock = RLock()

    def put(self, name: str, data: bytes) -> None:
        with self._lock:
            standing, url, method, meta = self._target(name, "multipart")
            kind, body = multipart(meta, data)
            self._speak(url, method, {"Content-Type": kind}, body)
            self._remove(standing[1:])

    def read(self, name: str, start: int | None = None, length: int = 0) -> bytes:
        with self._lock:
            request = self._fs.files.get_media(fileId=self._newest(name)["id"], **_ALL_DRIVES)
            if start is None:
                return cast("bytes", self._do(request))
            request.headers["Range"] = f"bytes={start}-{start + length - 1}"
            data = cast("bytes", self._do(request))
            return data if len(data) <= length else data[start : start + length]  # all of it, the range ignored

    def info(self, name: str) -> Found:
        with self._lock:
            return _found(name, self._newest(name))

    def page(self, folder: str, after: str | None, limit: int) -> tuple[list[Found], str | None]:
        """One folder of the tree at a time; `after` is those that wait, by path and id."""
        with self._lock:
            if after is None:
                path = folder.rstrip("/")
                top = self._folder(path.split("/") if path else [], make=False)
                waiting = [[folder, top]] if top else []
            else:
                waiting = json.loads(after)
            if not waiting:
                return [], None
            path, parent = waiting.pop()
            files: dict[str, Found] = {}
            for each in self._listed(f"'{parent}' in parents and trashed = false", limit):
                if each["mimeType"] == DIR_MIME_TYPE:
                    waiting.append([f"{path}{each['name']}/", each["id"]])
                else:
                    files.setdefault(each["name"], _found(f"{path}{each['name']}", each))  # the newest comes first
            return list(files.values()), json.dumps(waiting) if waiting else None

    def delete(self, names: Sequence[str]) -> None:
        with self._lock:
            for name in names:
                parent, last = self._parent(name, make=False)
                if parent:
                    self._remove(self._named(parent, last))

    def begin(self, name: str, size: int) -> ResumableParts:
        with self._lock:
            standing, url, method, meta = self._target(name, "resumable")
            self._remove(standing[1:])
            headers = {"Content-Type": JSON, "X-Upload-Content-Type": OCTETS}
            begun, _ = self._speak(url, method, headers, json.dumps(meta).encode())

        def send(headers: dict[str, str], data: bytes) -> int | None:
            with self._lock:
                answer, _ = self._speak(begun["location"], "PUT", headers, data)
            return kept_by(answer.get("range")) if answer.status == 308 else None

        def drop() -> None:
            with self._lock:
                self._speak(begun["location"], "DELETE", {}, b"")

        return ResumableParts(send, drop, size)

    def _target(self, name: str, upload: str) -> tuple[list[dict[str, Any]], str, str, dict[str, Any]]:
        """What has the name now, and how the newest of it is replaced, or a first one made: URL, method, metadata."""
        parent, last = self._parent(name, make=True)
        standing = self._named(parent, last)
        url = f"{self._endpoint}/upload/drive/v3/files"
        asked = f"?uploadType={upload}&supportsAllDrives=true"
        if standing:
            return standing, f"{url}/{standing[0]['id']}{asked}", "PATCH", {}
        return [], f"{url}{asked}", "POST", {"name": last, "parents": [parent]}

    def _newest(self, name: str) -> dict[str, Any]:
        parent, last = self._parent(name, make=False)
        found = self._named(parent, last) if parent else []
        if not found:
            raise FileNotFoundError(name)
        return found[0]

    def _parent(self, name: str, *, make: bool) -> tuple[str, str]:
        """The id of the folder that the object is in (empty if there is none), and its name there."""
        *folders, last = name.split("/")
        return self._folder(folders, make=make), last

    def _folder(self, names: Sequence[str], *, make: bool) -> str:
        """Its id, or nothing. Known ones are remembered: Drive finds a path one folder at a time."""
        path = (*self._top, *names)
        found = self._fs.root_file_id
        for depth, name in enumerate(path, 1):
            if known := self._folders.get(path[:depth]):
                found = known
                continue
            below = self._named(found, name, folder=True)
            if not below and not make:
                return ""
            found = below[0]["id"] if below else self._make_folder(found, name)
            self._folders[path[:depth]] = found
        return cast("str", found)

    def _make_folder(self, parent: str, name: str) -> str:
        body = {"name": name, "parents": [parent], "mimeType": DIR_MIME_TYPE}
        return cast("str", self._do(self._fs.files.create(body=body, fields="id", **_ALL_DRIVES))["id"])

    def _named(self, parent: str, name: str, *, folder: bool = False) -> list[dict[str, Any]]:
        """What has exactly this name in the folder, the newest first."""
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        listed = self._listed(f"'{parent}' in parents and name = '{quoted}' and trashed = false", 100)
        return [each for each in listed if each["name"] == name and (each["mimeType"] == DIR_MIME_TYPE) == folder]

    def _listed(self, query: str, limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            answer = self._do(
                self._fs.files.list(
                    q=query,
                    spaces=self._fs.spaces,
                    fields=_FIELDS,
                    pageSize=limit,
                    pageToken=after,
                    orderBy="modifiedTime desc",
                    includeItemsFromAllDrives=True,
                    **_ALL_DRIVES,
                )
            )
            found.extend(answer.get("files", []))
            after = answer.get("nextPageToken")
            if after is None:
                return found

    def _remove(self, files: Sequence[dict[str, Any]]) -> None:
        for file in files:
            try:
                self._do(self._fs.files.delete(fileId=file["id"], **_ALL_DRIVES))
            except HttpError as error:
                if error.status_code != 404:
                    raise

    def _do(self, request: Any) -> Any:
        try:
            return request.execute()
        except HttpError as error:
            if error.status_code == 404:
                self._folders.clear()  # one of them may be what is gone
            raise

    def _speak(self, url: str, method: str, headers: dict[str, str], data: bytes) -> tuple[Any, bytes]:
        answer, content = self._http.request(url, method=method, headers=headers, body=data)
        if answer.status >= 400 and not (method == "DELETE" and answer.status == 499):  # 499: cancelled, as asked
            raise HttpError(answer, content, uri=url)
        return answer, content


def _found(name: str, file: dict[str, Any]) -> Found:
    return Found(name, int(file.get("size", 0)), datetime.fromisoformat(file["modifiedTime"]).timestamp())

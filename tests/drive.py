"""A stand-in for Google Drive: the part of its REST interface (v3) that a store needs, kept in memory.

There is no emulator of Drive. This follows its reference for folders, queries, ranges, uploads and service accounts.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from google.auth import jwt

FOLDER = "application/vnd.google-apps.folder"
_PARENT = re.compile(r"'([^']+)' in parents")
_NAME = re.compile(r"name = '((?:[^'\\]|\\.)*)'")


@dataclass
class Stored:
    id: str
    name: str
    parent: str
    mime: str
    content: bytes = b""
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))

    def described(self) -> dict[str, Any]:
        said = {"id": self.id, "name": self.name, "mimeType": self.mime, "modifiedTime": self.modified.isoformat()}
        return said if self.mime == FOLDER else said | {"size": str(len(self.content))}


@dataclass
class Session:
    """A resumable upload: of a new file, or over a standing one."""

    target: Stored
    content: bytearray = field(default_factory=bytearray)


@dataclass
class DriveStandIn:
    """One user's drive. `account` is a service account that may use it, as the console gives it out."""

    files: dict[str, Stored] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(public_exponent=65537, key_size=2048))
    url: str = ""

    def account(self, key: RSAPrivateKey | None = None) -> dict[str, str]:
        """With a key that the drive does not know it is refused."""
        private = (key or self.key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "type": "service_account",
            "client_email": "millrace@project.iam.gserviceaccount.com",
            "private_key_id": "key-one",
            "private_key": private.decode(),
            "token_uri": f"{self.url}/token",
        }

    def signs(self, assertion: str) -> bool:
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        try:
            jwt.decode(assertion, certs=public)  # type: ignore[no-untyped-call]
        except ValueError:
            return False
        return True

    def found(self, query: str) -> list[Stored]:
        parent, name = _PARENT.search(query), _NAME.search(query)
        assert parent, f"The stand-in does not understand {query!r}."
        wanted = re.sub(r"\\(.)", r"\1", name[1]) if name else None
        found = [each for each in self.files.values() if each.parent == parent[1] and wanted in (None, each.name)]
        return sorted(found, key=lambda each: each.modified, reverse=True)


@contextmanager
def drive() -> Iterator[DriveStandIn]:
    """A running one, in threads of this process."""
    standing_in = DriveStandIn()

    class Bound(Handler):
        drive = standing_in

    with ThreadingHTTPServer(("127.0.0.1", 0), Bound) as server:
        server.daemon_threads = True
        standing_in.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield standing_in
        finally:
            server.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    drive: DriveStandIn
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet
    disable_nagle_algorithm = True
    body = b""

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at what fails."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PATCH(self) -> None:
        self._answer(self._patch)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def _answer(self, act: Callable[[str, dict[str, str]], None]) -> None:
        url = urlsplit(self.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        known = self.headers.get("Authorization", "").removeprefix("Bearer ") in self.drive.tokens
        if url.path != "/token" and not known:
            self._refuse(401, "authError")
        else:
            act(url.path, {name: values[-1] for name, values in parse_qs(url.query).items()})

    def _get(self, path: str, asked: dict[str, str]) -> None:
        if path == "/drive/v3/files":
            found = self.drive.found(asked["q"])
            start, size = int(asked.get("pageToken", 0)), int(asked["pageSize"])
            more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
            self._say({"files": [each.described() for each in found[start : start + size]], **more})
        elif file := self._file(path):
            self._content(file.content) if asked.get("alt") == "media" else self._say(file.described())

    def _post(self, path: str, asked: dict[str, str]) -> None:
        if path == "/token":
            self._token({name: values[-1] for name, values in parse_qs(self.body.decode()).items()})
            return
        whole = asked.get("uploadType") == "multipart"
        meta, content = self._parts() if whole else (json.loads(self.body), b"")
        made = Stored(uuid4().hex, meta["name"], meta["parents"][0], meta.get("mimeType", "application/octet-stream"))
        if made.parent != "root" and made.parent not in self.drive.files:
            self._refuse(404, "notFound")
        elif asked.get("uploadType") == "resumable":
            self._begin(made)
        else:
            self._keep(made, content)

    def _patch(self, path: str, asked: dict[str, str]) -> None:
        if file := self._file(path):
            self._begin(file) if asked["uploadType"] == "resumable" else self._keep(file, self._parts()[1])

    def _put(self, path: str, _: dict[str, str]) -> None:
        session = self.drive.sessions.get(path.rpartition("/")[2])
        if session is None:
            self._refuse(404, "notFound")
            return
        part, total = self.headers["Content-Range"].removeprefix("bytes ").split("/")
        if part != "*" and int(part.partition("-")[0]) != len(session.content):
            self._refuse(400, "invalid")
            return
        session.content += self.body
        if len(session.content) == int(total):
            self._keep(session.target, bytes(session.content))
        else:
            kept = {"Range": f"bytes=0-{len(session.content) - 1}"} if session.content else {}
            self._send(308, b"", kept)

    def _delete(self, path: str, _: dict[str, str]) -> None:
        if "/session/" in path:
            self.drive.sessions.pop(path.rpartition("/")[2], None)
            self._send(499, b"")
        elif file := self._file(path):
            del self.drive.files[file.id]
            self._send(204, b"")

    def _token(self, asked: dict[str, str]) -> None:
        if not self.drive.signs(asked["assertion"]):
            self._send(400, json.dumps({"error": "invalid_grant"}).encode())
            return
        token = uuid4().hex
        self.drive.tokens.add(token)
        self._say({"access_token": token, "expires_in": 3600})

    def _begin(self, target: Stored) -> None:
        session = uuid4().hex
        self.drive.sessions[session] = Session(target)
        self._send(200, b"", {"Location": f"http://{self.headers['Host']}/upload/session/{session}"})

    def _keep(self, file: Stored, content: bytes) -> None:
        kept = replace(file, content=content, modified=datetime.now(UTC))
        self.drive.files[kept.id] = kept
        self._say(kept.described())

    def _parts(self) -> tuple[dict[str, Any], bytes]:
        mark = self.headers["Content-Type"].rpartition("boundary=")[2].encode()
        _, meta, content, _ = self.body.split(b"--" + mark)
        return json.loads(meta.partition(b"\r\n\r\n")[2]), content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")

    def _content(self, content: bytes) -> None:
        if "Range" not in self.headers:
            self._send(200, content)
            return
        start, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
        if int(start) >= len(content):
            self._refuse(416, "requestedRangeNotSatisfiable")
        else:
            self._send(206, content[int(start) : int(end) + 1])

    def _file(self, path: str) -> Stored | None:
        file = self.drive.files.get(path.rpartition("/")[2])
        if file is None:
            self._refuse(404, "notFound")
        return file

    def _refuse(self, status: int, reason: str) -> None:
        error = {"code": status, "message": reason, "errors": [{"reason": reason, "message": reason}]}
        self._send(status, json.dumps({"error": error}).encode())

    def _say(self, said: dict[str, Any]) -> None:
        self._send(200, json.dumps(said).encode())

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

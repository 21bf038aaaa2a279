"""HTTP/1.1 to one server, over connections that are kept: what `Client` needs, by the standard library.

What can do more takes longer to import than most commands take, and copies what is sent several times over.
"""

import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from select import select
from urllib.parse import SplitResult, quote, unquote, urlsplit

BITE = 2**20
TARGET_SIGNS = "/%:@!$&'()*+,;=~"
WITH_BODY = {"POST", "PUT", "PATCH"}

Body = bytes | Iterable[bytes] | None


class ConnectionTrouble(Exception):
    """No answer; `reached` says whether there was a connection. The message is the reason."""

    def __init__(self, reason: BaseException, *, reached: bool) -> None:
        super().__init__(str(reason) or type(reason).__name__)
        self.reached = reached


class Reply:
    """An answer. Its body comes by `read`, or piece by piece; once."""

    def __init__(self, response: HTTPResponse, url: str) -> None:
        self._response = response
        self.url = url
        self.status = response.status
        self.reason = response.reason

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def headers(self) -> Message:
        return self._response.headers

    def read(self) -> bytes:
        return self._response.read()

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes."""
        while data := self._response.read1(BITE):
            yield data
        if self._response.length:  # it is silent about a body that ends before its time
            raise IncompleteRead(b"", self._response.length)
        self._response.close()

    def lines(self) -> Iterator[str]:
        while line := self._response.readline():
            yield line.decode(errors="replace").rstrip("\r\n")


class Connections:
    """To the server at an address; for several threads at once. Raises ValueError for a proxy that cannot be used."""

    def __init__(
        self, address: SplitResult, *, headers: Mapping[str, str], connect_seconds: float, proxies: bool
    ) -> None:
        self._address = address
        self._path = quote(address.path, safe=TARGET_SIGNS)
        self._headers = headers
        self._connect_seconds = connect_seconds
        self._proxy = _proxy_of(address) if proxies else None
        self._idle: list[HTTPConnection] = []

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def exchange(
        self, method: str, target: str, *, headers: Mapping[str, str], body: Body = None, seconds: float | None
    ) -> Iterator[Reply]:
        """Ask, and give the answer as soon as its head is there.

        `seconds` is how long the other end may be silent. Raises ConnectionTrouble, while the answer is read too.
        """
        connection = self._take(seconds)
        kept = False
        try:
            self._begin(connection, method, target, headers, body)
            whole = body is None or isinstance(body, bytes) or _send_pieces(connection.sock, body)
            response = connection.getresponse()
            yield Reply(response, f"{self._address.scheme}://{self._address.netloc}{self._path}{target}")
            kept = whole and response.isclosed() and connection.sock is not None
        except (OSError, HTTPException) as error:
            raise ConnectionTrouble(error, reached=True) from error
        finally:
            if kept:
                self._idle.append(connection)
            else:
                connection.close()

    def _take(self, seconds: float | None) -> HTTPConnection:
        """A connection that is open, as far as can be seen."""
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if not select([connection.sock], [], [], 0)[0]:  # what can be read now is its end
                    connection.sock.settimeout(seconds)
                    return connection
                connection.close()
        connection = self._new()
        try:
            connection.connect()
        except (OSError, HTTPException) as error:
            connection.close()
            raise ConnectionTrouble(error, reached=isinstance(error, ssl.SSLError)) from error
        connection.sock.settimeout(seconds)
        return connection

    def _new(self) -> HTTPConnection:
        host, port, proxy = str(self._address.hostname), self._address.port, self._proxy
        first = (str(proxy.hostname), proxy.port or 80) if proxy else (host, port)
        if self._address.scheme == "http":
            return HTTPConnection(*first, timeout=self._connect_seconds)
        import certifi  # noqa: PLC0415  # many servers are asked over plain HTTP, on this machine

        named = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        trust = ssl.create_default_context(cafile=None if named else certifi.where())
        connection = HTTPSConnection(*first, timeout=self._connect_seconds, context=trust)
        if proxy:
            connection.set_tunnel(host, port, headers=_passport(proxy))
        return connection

    def _begin(
        self, connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: Body
    ) -> None:
        """Send all but a body that comes in pieces."""
        sent = {"Host": self._address.netloc, **self._headers, **headers}
        whole = self._path + target
        if self._proxy and self._address.scheme == "http":
            whole = f"http://{self._address.netloc}{whole}"
            sent |= _passport(self._proxy)
        if isinstance(body, bytes):
            sent["Content-Length"] = str(len(body))
        elif body is not None:
            sent["Transfer-Encoding"] = "chunked"
        elif method in WITH_BODY:
            sent["Content-Length"] = "0"
        connection.putrequest(method, whole, skip_host=True)
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body if isinstance(body, bytes) else None)


def _send_pieces(sock: socket.socket, pieces: Iterable[bytes]) -> bool:
    """Whether all of them went: one who refuses them need not take them all."""
    with suppress(BrokenPipeError, ConnectionResetError):
        for piece in pieces:
            if piece:
                _send_all(sock, b"%x\r\n" % len(piece), piece, b"\r\n")
        sock.sendall(b"0\r\n\r\n")
        return True
    return False


def _send_all(sock: socket.socket, *parts: bytes) -> None:
    """Without putting them together first, where that can be done."""
    sent = 0 if isinstance(sock, ssl.SSLSocket) else sock.sendmsg(parts)
    if sent < sum(map(len, parts)):
        sock.sendall(memoryview(b"".join(parts))[sent:])


def _proxy_of(address: SplitResult) -> SplitResult | None:
    """The one that the environment names for the server. Raises ValueError for one of a kind not known here."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415  # a server on this machine needs none of it

    known = getproxies()
    named = known.get(address.scheme) or known.get("all")
    if not named or proxy_bypass(str(address.hostname)):
        return None
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise ValueError(f"The environment names a proxy that is not at http://: {proxy.scheme}://{proxy.hostname}.")
    return proxy


def _passport(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

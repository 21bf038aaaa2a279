"""Connections against servers that behave as they like, proxies and TLS: what is kept, what is told."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli.client import Client, ClientError, Status
from tests.cli.server import Answer, Server

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
Speech = Callable[[socket.socket], None]


def heard(sock: socket.socket) -> bytes:
    """A request's head."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(1)
        if not data:
            break
        head += data
    return head


class Raw:
    """A server that says to each connection what it is told to, in order."""

    def __init__(self, *speeches: Speech) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ended = Event()
        self._thread = Thread(target=self._serve, args=(speeches,), daemon=True)
        self._thread.start()

    def _serve(self, speeches: tuple[Speech, ...]) -> None:
        for speech in speeches:
            connection, _ = self._socket.accept()
            with connection:
                speech(connection)
            self.ended.set()

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def raw() -> Iterator[Callable[..., Raw]]:
    with ExitStack() as open_ones:

        def start(*speeches: Speech) -> Raw:
            server = Raw(*speeches)
            open_ones.callback(server.close)
            return server

        yield start


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Client]]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with ExitStack() as open_ones:
        yield lambda url: open_ones.enter_context(Client(url, "mlr_test", seconds=5))


Connect = Callable[[str], Client]
Start = Callable[..., Raw]


class TestAConnection:
    def test_is_used_again(self, raw: Start, connect: Connect) -> None:
        def twice(sock: socket.socket) -> None:
            for _ in range(2):
                heard(sock)
                sock.sendall(OK)

        client = connect(raw(twice).url)
        assert [client.get("a"), client.get("b")] == [{}, {}]

    def test_that_was_closed_meanwhile_is_replaced(self, raw: Start, connect: Connect) -> None:
        def once(sock: socket.socket) -> None:
            heard(sock)
            sock.sendall(OK)

        server = raw(once, once)
        client = connect(server.url)
        assert client.get("a") == {}
        assert server.ended.wait(10)
        assert client.get("b") == {}

    def test_is_not_used_again_after_an_answer_that_was_not_read(self, raw: Start, connect: Connect) -> None:
        def much(sock: socket.socket) -> None:
            heard(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            heard(sock)

        def once(sock: socket.socket) -> None:
            heard(sock)
            sock.sendall(OK)

        client = connect(raw(much, once).url)
        started = client.download("a")
        assert next(started) == b"ab"
        started.close()  # type: ignore[attr-defined]  # it is a generator
        assert client.get("b") == {}


class TestAnAnswer:
    @pytest.mark.parametrize(
        "said",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"HTTP/1.1 20",
            b"nonsense\r\n\r\n",
            b"",
        ],
    )
    @pytest.mark.parametrize("streamed", [True, False])
    def test_that_breaks_off_is_none(self, raw: Start, connect: Connect, said: bytes, streamed: bool) -> None:
        def part(sock: socket.socket) -> None:
            heard(sock)
            sock.sendall(said)

        client = connect(raw(part).url)
        with pytest.raises(ClientError, match=r"The connection to http://127\.0\.0\.1:.* broke: ") as caught:
            b"".join(client.download("a")) if streamed else client.text("a")
        assert (caught.value.status, caught.value.passing) == (Status.UNREACHABLE, True)

    def test_that_does_not_come_is_not_waited_for_for_ever(self, raw: Start) -> None:
        with Client(raw(heard_to_the_end).url, None, seconds=0.2) as client, pytest.raises(ClientError, match="timed"):
            client.get("a")

    def test_may_come_before_all_was_sent(self, raw: Start, connect: Connect) -> None:
        def refuse(sock: socket.socket) -> None:
            heard(sock)
            body = b'{"detail": "No room.", "code": "store_full"}'
            sock.sendall(b"HTTP/1.1 507 Full\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            sock.shutdown(socket.SHUT_WR)
            for _ in range(3):  # some of what still comes, and then it goes away
                sock.recv(2**20)

        client = connect(raw(refuse).url)
        with pytest.raises(ClientError) as caught:
            client.push("datasets", "d", "versions", records=iter([bytes(2**20)] * 64), media_type="x/y")
        assert caught.value.code in {"store_full", None}  # its end may have overtaken the answer


def heard_to_the_end(sock: socket.socket) -> None:
    while sock.recv(2**16):
        pass


class TestABody:
    def test_in_pieces_arrives_whole(self, raw: Start, connect: Connect) -> None:
        arrived: list[bytes] = []

        def take(sock: socket.socket) -> None:
            head = heard(sock)
            assert b"Transfer-Encoding: chunked" in head
            with sock.makefile("rb") as stream:
                while size := int(stream.readline(), 16):
                    arrived.append(stream.read(size))
                    assert stream.read(2) == b"\r\n"
                stream.readline()
            sock.sendall(OK)

        pieces = [b"a", b"", bytes(range(256)) * 20_000, b"z"]
        client = connect(raw(take).url)
        assert client.push("datasets", records=iter(pieces), media_type="x/y") == {}
        assert b"".join(arrived) == b"".join(pieces)

    def test_that_cannot_be_made_ends_the_request(self, raw: Start, connect: Connect) -> None:
        def pieces() -> Iterator[bytes]:
            yield b"a"
            raise ClientError("The file is gone.")

        client = connect(raw(heard_to_the_end).url)
        with pytest.raises(ClientError, match="The file is gone"):
            client.push("datasets", records=pieces(), media_type="x/y")


class TestAQuery:
    def test_has_lists_words_and_nothing_for_none(self, server: Server, connect: Connect) -> None:
        server.on("GET", "/api/v1/runs", Answer({}))
        connect(server.url).get("runs", sort="a b&c", filter=["x", "y"], deep=True, limit=3, cursor=None)
        assert server.asked[0].query == {"sort": "a b&c", "filter": "x,y", "deep": "true", "limit": "3"}


class TestAProxy:
    def test_is_asked_for_other_machines(self, raw: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        said: list[bytes] = []

        def relay(sock: socket.socket) -> None:
            said.append(heard(sock))
            sock.sendall(OK)

        proxy = raw(relay)
        monkeypatch.setenv("http_proxy", f"http://ada:p%40ss@127.0.0.1:{proxy.port}")
        assert connect("http://mill.example:8000/under").get("whoami") == {}
        lines = said[0].decode().split("\r\n")
        assert lines[0] == "GET http://mill.example:8000/under/api/v1/whoami HTTP/1.1"
        assert "Host: mill.example:8000" in lines
        assert "Proxy-Authorization: Basic YWRhOnBAc3M=" in lines

    def test_gets_no_token_of_a_server_behind_tls(
        self, raw: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[bytes] = []

        def refuse(sock: socket.socket) -> None:
            said.append(heard(sock))
            sock.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        monkeypatch.setenv("https_proxy", raw(refuse).url)
        with pytest.raises(ClientError, match=r"No server answers at https://mill\.example"):
            connect("https://mill.example").get("whoami")
        assert said[0].startswith(b"CONNECT mill.example:443 ")
        assert b"mlr_test" not in said[0]

    def test_is_left_out_where_it_is_not_meant(
        self, server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        server.on("GET", "/api/v1/whoami", Answer({"name": "ada"}))
        assert connect(server.url).get("whoami") == {"name": "ada"}  # of this machine

    def test_of_another_kind_is_named(self, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("all_proxy", "socks5://proxy.example:1080")
        with pytest.raises(ClientError, match=r"proxy\.example") as caught:
            connect("http://mill.example")
        assert caught.value.status == Status.USAGE


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """A key and a certificate for 127.0.0.1, signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mill")])
        now = datetime.now(UTC)
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        built = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        signed = built.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        path = tmp_path / "mill.pem"
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(secret + signed.public_bytes(pem))
        return path

    @pytest.fixture
    def secure(self, raw: Start, certificate: Path) -> Raw:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

        def speak(sock: socket.socket) -> None:
            try:
                with context.wrap_socket(sock, server_side=True) as inner:
                    head = heard(inner)
                    if b"chunked" in head:
                        while not head.endswith(b"0\r\n\r\n"):
                            head += inner.recv(2**16)
                    inner.sendall(OK)
            except ssl.SSLError:
                return  # the other end did not like the certificate

        return raw(speak)

    def test_is_spoken_to_who_is_trusted(
        self, secure: Raw, certificate: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        client = connect(f"https://127.0.0.1:{secure.port}")
        assert client.push("datasets", records=iter([b"a" * 100_000, b"b"]), media_type="x/y") == {}

    def test_is_refused_to_others(self, secure: Raw, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with pytest.raises(ClientError, match="certificate") as caught:
            connect(f"https://127.0.0.1:{secure.port}").get("whoami")
        assert caught.value.status == Status.UNREACHABLE

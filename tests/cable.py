"""A cable to a server that tests can pull out while bytes go over it, and put in again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.servers import free_port


class Cable:
    """Forwards connections to `url`. Pulled, it refuses new ones and drops those that are open."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._port = free_port()
        self.url = url.replace(self._target.netloc, f"127.0.0.1:{self._port}")
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._left: int | None = None

    def plug(self) -> None:
        listener = socket.create_server(("127.0.0.1", self._port))
        with self._lock:
            self._left, self._listener = None, listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def pull(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
        if listener:
            _close(listener)
        self.drop_connections()

    def drop_connections(self) -> None:
        """New ones are taken."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _close(end)

    def pull_after(self, size: int) -> None:
        """When so many more bytes went to the server."""
        self._left = size

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection((self._target.hostname or "", self._target.port or 80))
            except OSError:
                return
            with self._lock:
                self._open |= {near, far}
            for source, sink, up in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._forward, args=(source, sink, up), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if up and self._left is not None:
                    self._left -= len(data)
                    if self._left < 0:
                        self.pull()
                        return
                sink.sendall(data)
        for end in (source, sink):
            _close(end)
            self._open.discard(end)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def cable(url: str) -> Iterator[Cable]:
    laid = Cable(url)
    laid.plug()
    try:
        yield laid
    finally:
        laid.pull()

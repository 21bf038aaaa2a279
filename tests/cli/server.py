"""A tiny real HTTP server that answers as it is told and remembers what it was asked."""

import json
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def parts(self) -> list[tuple[str, str | None, Any]]:
        """Name, file name and content of each part of a multipart body."""
        head = b"Content-Type: " + self.headers["content-type"].encode() + b"\r\n\r\n"
        message = message_from_bytes(head + self.body, policy=HTTP)
        return [
            (part["content-disposition"].params["name"], part.get_filename(), part.get_payload(decode=True))
            for part in message.iter_parts()
        ]


@dataclass
class Answer:
    body: Any = None
    status: int = 200
    kind: str = "application/json"
    date: str | None = None

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def _query(text: str) -> dict[str, str]:
    """Names and values; those of a repeated name with commas between."""
    pairs = parse_qsl(text)
    return {name: ",".join(value for other, value in pairs if other == name) for name, _ in pairs}


class Server:
    """Answers by (method, path); a list of answers is given one by one, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[Answer]] = {}
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, unquote(parts.path), _query(parts.query), headers, self.rfile.read(length))
                server.asked.append(asked)
                answer = server.next_answer(asked)
                body = answer.encoded()
                self.send_response_only(answer.status)
                self.send_header("Date", answer.date or self.date_time_string())
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # the names http.server looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in http.server
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self.answers[method, path] = list(answers)

    def next_answer(self, asked: Asked) -> Answer:
        answers = self.answers.get((asked.method, asked.path))
        if not answers:
            problem = {"title": "Not found", "detail": f"no {asked.path} here", "code": "not_found", "status": 404}
            return Answer(problem, 404, "application/problem+json")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

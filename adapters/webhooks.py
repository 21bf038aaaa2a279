"""`send`: one POST to a receiver that somebody else chose.

Its host is looked up once, and the address that was checked is the one that is connected to. Redirects are not
followed, and no proxy is asked.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address

import httpx

from domain.errors import DomainError
from domain.webhooks.addresses import checked_url, refuse_address
from domain.webhooks.specs import ANSWER_BYTES, Attempt

SECONDS = 10.0
"""For the connection, and again for the answer."""


def send(url: str, headers: Mapping[str, str], body: str, *, private: bool) -> Attempt:
    """What the receiver answered. It never raises: what goes wrong is told without the URL, which may be a secret."""
    at, began = datetime.now(UTC), time.monotonic()
    status, answer, error = None, "", None
    try:
        status, answer = _post(url, headers, body, private=private)
    except DomainError as refused:
        error = refused.message
    except socket.gaierror:
        error = "The name of the receiver's host cannot be found."
    except httpx.TimeoutException:
        error = f"The receiver did not answer within {SECONDS:g} seconds."
    except (httpx.HTTPError, OSError, UnicodeError, ValueError) as trouble:
        error = f"The receiver could not be reached ({type(trouble).__name__})."
    return Attempt(
        at=at, status=status, milliseconds=round((time.monotonic() - began) * 1000), answer=answer, error=error
    )


def _post(url: str, headers: Mapping[str, str], body: str, *, private: bool) -> tuple[int, str]:
    parts = checked_url(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address_of(host, port, private=private)
    target = httpx.URL(url).copy_with(host=address)
    named = {**headers, "Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "Millrace-Webhooks/1"}
    deadline = time.monotonic() + SECONDS
    with (
        httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False, verify=_trusted()) as client,
        # The certificate is that of the name, whatever address it was found at.
        client.stream(
            "POST", target, content=body.encode(), headers=named, extensions={"sni_hostname": host}
        ) as response,
    ):
        read = b""
        for some in response.iter_raw():
            read += some
            if len(read) >= ANSWER_BYTES or time.monotonic() > deadline:
                break
        return response.status_code, read[:ANSWER_BYTES].decode(errors="replace").replace("\x00", "\ufffd")


def _trusted() -> ssl.SSLContext:
    """The authorities that everybody trusts, and those of this machine or of `SSL_CERT_FILE`."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _address_of(host: str, port: int, *, private: bool) -> str:
    """One address of the host. All of them have to be allowed: which one is used must not be a matter of luck."""
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for one in found:
        refuse_address(ip_address(one.partition("%")[0]), private=private)
    return found[0]

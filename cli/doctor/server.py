"""The server: does it answer, is it well by its own account, does it take the token, what time is it there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cli.client import Answer, Client, ClientError
from cli.doctor.finding import Finding, State

GROUP = "server"
SKEW_SECONDS = 5.0
"""A token's end and a window's edge are read off the server's clock; people read them off theirs."""
SAID_BY_MILLRACE = {"ok", "unavailable"}
LATE_SECONDS = 60.0
SILENT_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """What the doctor heard: `about` is empty for a server that does not tell, or not to this token."""

    ready: Answer
    about: dict[str, Any]
    sent_at: datetime
    heard_at: datetime


def call(client: Client) -> Server:
    """Raises ClientError when nobody answers."""
    client.reply("/livez")  # connects, so that the next one tells the time
    sent = datetime.now(UTC)
    ready = client.reply("/readyz")
    heard = datetime.now(UTC)
    about = client.reply("about")
    told = _json(about) if about.ok else {}
    return Server(ready, told, sent, heard)


def look_at_server(client: Client, *, named: str) -> Iterator[Finding]:
    """Findings; `named` says where the address is from. Raises ClientError when nobody answers."""
    began = time.monotonic()
    server = call(client)
    parts = _json(server.ready)
    if parts.get("status") not in SAID_BY_MILLRACE:
        what = f"What answers at {client.url} is no Millrace: {server.ready.status} to /readyz."
        fix = "millrace up --port ANOTHER, or name the right one with --url"
        yield Finding(GROUP, "server", "broken", what, f"It was named by {named}.", fix)
        return
    milliseconds = (time.monotonic() - began) * 1000 / 3
    yield Finding(GROUP, "server", "ok", f"{client.url} answers in {milliseconds:.0f} ms, named by {named}")
    yield from _version(server.about)
    yield from _clock(server)
    yield from _parts(parts, server.about)
    yield from _token(client)
    yield from _workers(client, server.about)


def _version(about: dict[str, Any]) -> Iterator[Finding]:
    told = about.get("version")
    try:
        here = version("millrace")
    except PackageNotFoundError:
        return
    if told is None:
        return
    if told == here:
        yield Finding(GROUP, "version", "ok", f"{told}, as here")
    else:
        what, why = f"The server is {told}, and this command line {here}.", "They may not understand each other."
        yield Finding(GROUP, "version", "warn", what, why, f"pip install millrace=={told}")


def _clock(server: Server) -> Iterator[Finding]:
    """The server's time against the middle of the question; the Date of HTTP is cut to the second."""
    told = server.ready.headers.get("date")
    if told is None:
        return
    between = server.sent_at + (server.heard_at - server.sent_at) / 2
    skew = (parsedate_to_datetime(told) - between).total_seconds() + 0.5
    if abs(skew) > SKEW_SECONDS:
        side = "ahead of" if skew > 0 else "behind"
        what = f"The server's clock is {abs(skew):,.0f} s {side} this machine's."
        why = "Times that you read here are not when things happened there."
        yield Finding(GROUP, "clock", "warn", what, why, "timedatectl set-ntp true, on the machine that is wrong")
    else:
        yield Finding(GROUP, "clock", "ok", "the server's and this machine's agree within a second or two")


def _parts(ready: dict[str, Any], about: dict[str, Any]) -> Iterator[Finding]:
    """What the server says of its own parts: `/about`, where it tells, else `/readyz`."""
    if about:
        stores = {f"{one['name']} store": one for one in about["stores"]}
        parts = {name: about[name] for name in ("database", "broker", "mlflow")} | stores
        troubles = {name: None if part["reachable"] else part["error"] for name, part in parts.items()}
    else:
        troubles = {name: None if said == "ok" else said for name, said in ready.items() if name != "status"}
    for name, trouble in troubles.items():
        if trouble is None:
            yield Finding(GROUP, name, "ok", "the server reaches it")
        else:
            what = f"The server's {name} is not well."
            yield Finding(GROUP, name, "broken", what, str(trouble), "millrace doctor, on the server's machine")


def _token(client: Client) -> Iterator[Finding]:
    login = f"millrace login {client.url}"
    if client.token is None:
        why = "Neither an option, the environment, a login nor the home here has one for it."
        yield Finding(GROUP, "token", "warn", "There is no token for this server.", why, login)
        return
    try:
        who = client.get("whoami")
    except ClientError as error:
        yield Finding(GROUP, "token", "broken", "The server does not take the token.", error.message, login)
        return
    yield Finding(GROUP, "token", "ok", f"taken for {who['name']}, {who['role'] or 'no role'}")


def _workers(client: Client, about: dict[str, Any]) -> Iterator[Finding]:
    """Who does the work, where the server tells; and whether work lies about."""
    workers = about.get("workers") or {}
    answering, age = workers.get("answering"), workers.get("last_tick_age_seconds")
    if answering:
        yield Finding(GROUP, "workers", "ok", f"{len(answering)} answer")
    elif answering is not None:
        what, why = "No worker answers.", "Jobs wait until one comes."
        yield Finding(GROUP, "workers", "broken", what, why, "millrace worker, on the server's machine")
    if age is not None:
        late = age > max(SILENT_SECONDS, 5 * workers["tick_seconds"])
        why = "Nothing that is due happens: schedules, windows, rollouts." if late else ""
        what = f"The last tick came {age:,.0f} s ago."
        yield Finding(GROUP, "tick", "broken" if late else "ok", what, why, "millrace beat, once" if late else "")
    metrics = client.reply("/metrics") if client.token else None
    if metrics is None or not metrics.ok:
        return
    told = dict(line.rsplit(" ", 1) for line in metrics.text.splitlines() if line and not line.startswith("#"))
    waited = float(told.get("millrace_queue_age_seconds", 0))
    if waited > LATE_SECONDS:
        busy = float(told.get('millrace_jobs{state="running"}', 0))
        what = f"The oldest job has waited for {waited:,.0f} s."
        why = f"{busy:.0f} jobs run now." if busy else "No job runs: there is no worker, or it does not hear."
        state: State = "warn" if busy else "broken"
        yield Finding(GROUP, "queue", state, what, why, "millrace worker, on the server's machine")
    else:
        yield Finding(GROUP, "queue", "ok", "no job waits long")


def _json(answer: Answer) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}

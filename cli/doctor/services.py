"""What the settings name: database, migrations, broker, MLflow, stores. Looked at by processes that may know them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cli import processes
from cli.doctor.finding import Finding

GROUP = "services"
SECONDS = 40.0
SETTINGS = {
    "database": "MILLRACE_DATABASE_URL",
    "broker": "MILLRACE_REDIS_URL",
    "mlflow": "MILLRACE_MLFLOW_URL",
    "data store": "MILLRACE_STORE_URL",
    "model store": "MILLRACE_MODEL_STORE_URL",
    "routes": "MILLRACE_MODEL_STORE_URL",
}


def parts_of(settings: Mapping[str, str], *, home: bool) -> list[str]:
    """What there is to look at; without a `home` only what the settings have elsewhere.

    An embedded broker and MLflow are looked at through the server that brought them.
    """
    elsewhere = [part for part, setting in SETTINGS.items() if settings.get(setting)]
    return [part for part in SETTINGS if part in elsewhere or (home and part not in {"broker", "mlflow"})]


def embedded_broker(home: Path) -> str | None:
    """The address of the broker that `millrace up` started with this home, by its configuration."""
    try:
        lines = (home / "redis" / "valkey.conf").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    told = dict(line.split(" ", 1) for line in lines if " " in line)
    if "port" not in told or "requirepass" not in told:
        return None
    return f"redis://:{told['requirepass']}@{processes.LOOPBACK}:{told['port']}/0"


def look_at_services(home: Path, settings: Mapping[str, str], *, running: bool, usable: bool) -> Iterator[Finding]:
    """Findings of the parts; `running` says that a supervisor has this home, `usable` that the home is one."""
    known = dict(settings) | {"MILLRACE_HOME": str(home.absolute())}
    broker = embedded_broker(home) if running and not known.get("MILLRACE_REDIS_URL") else None
    if broker:
        known["MILLRACE_REDIS_URL"] = broker
    parts = parts_of(known, home=usable)
    with ThreadPoolExecutor() as pool:
        chain = pool.submit(_run, ["migrations", "chain"], known)
        looked = pool.submit(_run, ["api.doctor", *parts], known)
        found = [json.loads(line) for line in looked.result().stdout.splitlines() if line.startswith("{")]
        revisions = chain.result()
    order = ["settings", *parts]
    for one in sorted(found, key=lambda one: order.index(one["part"])):
        yield Finding(GROUP, one["part"], one["state"], one["what"], one["why"], one["fix"])
        if one["part"] == "database" and one["facts"]:
            yield from _migrations(one["facts"]["revision"], revisions.stdout.split(), running=running)
    for told, name in ((looked.result(), "services"), (revisions, "migrations")):
        if told.returncode != 0:
            last = (told.stderr.strip().splitlines() or ["no reason given"])[-1]
            what = f"`python -m {'api.doctor' if name == 'services' else 'migrations'}` does not run."
            yield Finding(GROUP, name, "broken", what, last, "pip install --upgrade --force-reinstall millrace")


def _migrations(revision: str | None, chain: Sequence[str], *, running: bool) -> Iterator[Finding]:
    if not chain:
        return
    head = chain[0]
    if revision == head:
        yield Finding(GROUP, "migrations", "ok", f"at {head}, the newest")
    elif revision is None:
        what, why = "The database has no tables yet.", "`millrace up` makes them when it starts."
        yield Finding(GROUP, "migrations", "broken" if running else "warn", what, why, "millrace migrate")
    elif revision in chain:
        what, why = f"The tables are at {revision}, {chain.index(revision)} behind {head}.", "This version needs them."
        yield Finding(GROUP, "migrations", "broken", what, why, "millrace migrate")
    else:
        what = f"The tables are at {revision}, which this version does not know."
        why = "A newer Millrace has been here."
        yield Finding(GROUP, "migrations", "broken", what, why, "pip install --upgrade millrace")


def _run(arguments: list[str], settings: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    command: list[str] = [sys.executable, "-P", "-m", *arguments]
    environment: dict[str, Any] = processes.environment({**os.environ, **settings})
    try:
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"It did not end within {SECONDS:.0f} s.")

"""docker-compose.yml, the Dockerfile, .env.example and the Makefile name only what exists in the code."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from adapters.settings import Settings
from cli.main import app
from tests.architecture.source import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
ONCE = {name for name, service in SERVICES.items() if service.get("restart") == "no"}


def settings_names() -> set[str]:
    """`MILLRACE_*` names that some part of the code reads: the settings, and options of `millrace` with a variable."""
    names = {f"MILLRACE_{field.upper()}" for field in Settings.model_fields}
    for command in typer.main.get_group(app).commands.values():
        for parameter in command.params:
            variables = parameter.envvar or ()
            names |= {variables} if isinstance(variables, str) else set(variables)
    return {name for name in names if name.startswith("MILLRACE_")}


def problem_with(command: list[str]) -> str | None:
    """What the program says against the command; it parses it and shows its help instead of running."""
    if command[:2] == ["python", "-m"]:
        return None if importlib.util.find_spec(command[2]) else f"There is no module {command[2]}"
    assert command[0] == "millrace"
    shown = CliRunner().invoke(app, [*command[1:], "--help"])
    return None if shown.exit_code == 0 else shown.output


def test_every_part_is_there() -> None:
    assert {"api", "worker", "beat", "serving", "mlflow", "postgres", "redis", "store"} <= set(SERVICES)


@pytest.mark.parametrize("service", OURS)
def test_command_exists(service: str) -> None:
    assert problem_with(SERVICES[service]["command"]) is None


@pytest.mark.parametrize(
    "command",
    [["millrace", "no-such-command"], ["millrace", "api", "--no-such-option", "1"], ["python", "-m", "no_such_module"]],
)
def test_an_unknown_command_or_option_is_recognised(command: list[str]) -> None:
    assert problem_with(command)


@pytest.mark.parametrize("service", OURS)
def test_settings_exist(service: str) -> None:
    named = {name for name in SERVICES[service]["environment"] if name.startswith("MILLRACE_")}
    assert named <= settings_names()


@pytest.mark.parametrize("service", OURS)
def test_image_target_exists(service: str) -> None:
    build = SERVICES[service]["build"]
    assert build["dockerfile"] == "deploy/Dockerfile"
    assert build["target"] in re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize("service", sorted(set(SERVICES) - ONCE))
def test_has_a_healthcheck(service: str) -> None:
    check = SERVICES[service]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_waits_for_parts_that_exist(service: str) -> None:
    for other, wait in SERVICES[service].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert (other in SERVICES, wait["condition"]) == (True, expected)


@pytest.mark.parametrize("command", re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE))
def test_image_starts_a_command_that_exists(command: str) -> None:
    assert problem_with(yaml.safe_load(command)) is None


def test_image_copies_files_that_exist() -> None:
    sources = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in shlex.split(line)[:-1]
    ]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]["packages"]
    assert set(wheel) <= set(sources)


def test_images_install_from_locks_with_hashes() -> None:
    for lock in re.findall(r"-r (requirements/\w+\.txt)", DOCKERFILE):
        pinned = re.findall(
            r"^[\w.\[\]-]+==\S+.*(?: ;.*)? \\$", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE
        )
        assert pinned
    assert DOCKERFILE.count("--require-hashes") == DOCKERFILE.count("-r requirements/")


def test_env_example_lists_every_setting() -> None:
    listed = re.findall(r"^# ([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    wanted = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    # What only the client of the command line reads is told by its own help.
    assert set(listed) == (settings_names() - {"MILLRACE_URL", "MILLRACE_TOKEN"}) | wanted


def test_env_example_shows_the_defaults() -> None:
    lines = re.findall(r"^# MILLRACE_(\w+)=(.+)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    shown = {name.lower(): value for name, value in lines if name.lower() in Settings.model_fields}
    plain = Settings.model_construct()
    for name, value in shown.items():
        read = getattr(Settings.model_validate({name: value}), name)
        default = getattr(plain, name)
        assert read == default or (ROOT / str(read)) == default or str(read).endswith(str(default)), name


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/readyz", "worker"])
def test_healthcheck_of_what_is_away_fails_without_a_traceback(target: str) -> None:
    command = [sys.executable, str(ROOT / "deploy" / "healthcheck.py"), target]
    environment = {**os.environ, "MILLRACE_REDIS_URL": "redis://127.0.0.1:9/0"}
    done = subprocess.run(command, check=False, timeout=30, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")


def test_makefile_explains_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE))
    captioned = set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))
    assert phony == captioned
    assert {"install", "demo", "test", "check", "bench", "locks", "up", "clean"} <= phony

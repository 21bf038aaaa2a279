"""The program as a whole: its help, its statuses, its JSON, and how it ends."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.__main__ import ALONE, program_for
from cli.examples import EXAMPLES
from cli.main import app
from cli.program import EPILOG
from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

ROOT = Path(__file__).parents[2]


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command a person can see, by the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        elif not command.hidden:
            yield " ".join([*path, name]), command


PROGRAM = typer.main.get_command(app)
COMMANDS = dict(commands(PROGRAM))


class TestHelp:
    @pytest.mark.parametrize("name", sorted(COMMANDS))
    def test_has_an_example_that_can_be_typed(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare: Millrace
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert name in EXAMPLES, "add it to cli/examples.py"
        for line in EXAMPLES[name].splitlines():
            typed = next(part for part in line.split("|") if "millrace" in part)
            words = shlex.split(re.split(r" [<>] ", typed)[0])[1:]
            for word in words:  # a path that has to be there is there
                if re.fullmatch(r"[\w.-]+\.(csv|json|yaml|dvc|zip|pem)", word):
                    (tmp_path / word).touch()
                elif word.endswith("/"):
                    (tmp_path / word).mkdir()
            assert words[: len(name.split())] == name.split()
            COMMANDS[name].make_context("millrace", words[len(name.split()) :])

    def test_shows_the_example(self, bare: Millrace) -> None:
        assert "$ millrace data diff bikes 2 3 --key dteday" in bare("data", "diff", "-h").stdout

    @pytest.mark.parametrize("name", sorted(COMMANDS))
    def test_says_what_a_command_does(self, name: str) -> None:
        assert COMMANDS[name].help

    def test_names_the_statuses(self) -> None:
        assert re.findall(r"(\d+) \w", EPILOG) == ["0", "1", "2", "3", "4", "5", "130"]

    def test_tells_the_version(self, bare: Millrace) -> None:
        assert re.fullmatch(r"millrace \d+\.\d+\.\d+\n", bare("--version").stdout)


class TestJson:
    def test_has_problems_on_standard_error_in_one_line(self, millrace: Millrace, server: Server) -> None:
        said = {"title": "Not found", "detail": "No model 'bike'.", "where": "model", "fix": "'bikes'?", "code": "gone"}
        server.on("GET", "/api/v1/models/bike", Answer(said, 404, "application/problem+json"))
        result = millrace("models", "show", "bike", "--json")
        assert (result.exit_code, result.stdout) == (4, "")
        assert json.loads(result.stderr) == {
            "code": "gone",
            "detail": "No model 'bike'.",
            "where": "model",
            "fix": "'bikes'?",
            "exit_status": 4,
        }

    @pytest.mark.parametrize(
        "words", [("jobs", "list", "--limit", "x"), ("jobs", "show"), ("jobs", "lst"), ("jobs", "list", "--bogus")]
    )
    def test_has_mistakes_in_the_command_line_too(self, millrace: Millrace, words: tuple[str, ...]) -> None:
        result = millrace(*words, "--json")
        assert result.exit_code == 2
        assert json.loads(result.stderr)["exit_status"] == 2

    def test_has_no_sentences_beside_it(self, millrace: Millrace, server: Server) -> None:
        server.on("DELETE", "/api/v1/repositories/rides", Answer(None, 204))
        result = millrace("repos", "remove", "rides", "--json")
        assert (json.loads(result.stdout), result.stderr) == ({"removed": "rides"}, "")

    def test_is_an_option_of_every_command_that_answers(self) -> None:
        silent = {"up", "api", "serve", "stream", "worker", "beat", "mlflow", "migrate", "demo"}
        silent |= {"git-hook install", "git-hook uninstall"}
        without = {name for name, one in COMMANDS.items() if "--json" not in [o for p in one.params for o in p.opts]}
        assert without == silent


class TestAlone:
    """What starts without the rest of the program is the same program."""

    @pytest.mark.parametrize("words", sorted(ALONE))
    def test_commands_are_as_in_the_whole(self, words: tuple[str, str], tmp_path: Path) -> None:
        told = [
            run([*words, "--help"], tmp_path, url="", start=f"from cli.{module} import {name}; {name}()")
            for module, name in (("__main__", "main"), ("main", "app"))
        ]
        assert told[0].stdout == told[1].stdout
        assert f"$ millrace {' '.join(words)} " in told[0].stdout

    def test_others_are_the_whole(self) -> None:
        assert program_for([]) is program_for(["data", "log"]) is program_for(["data"]) is app


class TestUnknown:
    def test_commands_get_near_ones(self, bare: Millrace) -> None:
        assert "Did you mean 'logs'?" in bare("jobs", "log").stderr


class TestCompletion:
    def complete(self, command: str, argument: str, typed: str, **given: str) -> list[str]:
        named: Any = next(one for one in COMMANDS[command].params if one.name == argument)
        context = typer.Context(COMMANDS[command])
        context.params = dict(given)
        found = named.shell_complete(context, typed)
        return [one.value for one in found]

    def test_offers_the_names_that_the_server_has(self, millrace: Millrace, server: Server) -> None:
        listed = {"items": [{"name": "bikes"}, {"name": "boats"}, {"name": "taxis"}], "next_cursor": None}
        server.on("GET", "/api/v1/datasets", Answer(listed))
        assert self.complete("data log", "name", "b", url=server.url) == ["bikes", "boats"]

    def test_offers_numbers_behind_the_name(self, millrace: Millrace, server: Server) -> None:
        listed = {"items": [{"number": 12}, {"number": 1}], "next_cursor": None}
        server.on("GET", "/api/v1/datasets/bikes/versions", Answer(listed))
        assert self.complete("data show", "ref", "bikes@1", url=server.url) == ["bikes@12", "bikes@1"]

    @pytest.mark.parametrize("answer", [Answer({}, 401), Answer(b"<html>", 200), Answer([], 200), Answer({"items": 1})])
    def test_offers_nothing_when_it_is_refused(self, millrace: Millrace, server: Server, answer: Answer) -> None:
        server.on("GET", "/api/v1/datasets", answer)
        assert self.complete("data log", "name", "", url=server.url) == []

    def test_offers_nothing_when_nobody_answers(self, bare: Millrace, free_port: int) -> None:
        began = time.monotonic()
        assert self.complete("data log", "name", "", url=f"http://127.0.0.1:{free_port}") == []
        assert time.monotonic() - began < 1

    def test_offers_pages(self, millrace: Millrace, server: Server) -> None:
        server.on("GET", "/api/v1/models", Answer({"items": [{"name": "bikes"}], "next_cursor": None}))
        assert self.complete("open", "page", "mo") == ["models/"]
        assert self.complete("open", "page", "models/b", url=server.url) == ["models/bikes"]

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_speaks_to_the_shell(self, server: Server, tmp_path: Path, shell: str) -> None:
        server.on("GET", "/api/v1/datasets", Answer({"items": [{"name": "bikes"}], "next_cursor": None}))
        words = {"COMP_WORDS": "millrace data log b", "COMP_CWORD": "3", "_TYPER_COMPLETE_ARGS": "millrace data log b"}
        words |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_MILLRACE_COMPLETE": f"complete_{shell}"}
        assert "bikes" in run([], tmp_path, url=server.url, **words).stdout


def program(
    arguments: list[str], folder: Path, *, url: str, start: str = "from cli.__main__ import main; main()", **more: str
) -> "subprocess.Popen[str]":
    """`millrace` in a process of its own, under its own name."""
    # Without a buffer Python loses what a broken pipe did not take, and says nothing.
    theirs = ("MILLRACE_", "PYTHONUNBUFFERED")
    settings = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    settings |= {"PYTHONPATH": str(ROOT), "MILLRACE_URL": url, "MILLRACE_TOKEN": "mlr_test"}
    command = [sys.executable, "-P", "-c", f"import sys; sys.argv[0] = 'millrace'; {start}", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=settings | more, stdout=pipe, stderr=pipe, text=True)


def run(arguments: list[str], folder: Path, *, url: str, **more: str) -> "subprocess.CompletedProcess[str]":
    with program(arguments, folder, url=url, **more) as process:
        out, error = process.communicate(timeout=20)
    return subprocess.CompletedProcess(arguments, process.returncode, out, error)


def many_events(count: int) -> Answer:
    event = {"seq": 1, "at": "2026-01-01T00:00:00Z", "type": "Seen", "subject": "a", "actor": "ada", "payload": {}}
    items = [event | {"seq": number, "subject": "é" * 200} for number in range(count)]
    return Answer({"items": items, "next_cursor": None})


class TestEnd:
    def test_is_quiet_when_nobody_reads_on(self, server: Server, tmp_path: Path) -> None:
        server.on("GET", "/api/v1/events", many_events(2000))
        with program(["events", "--limit", "2000", "--json"], tmp_path, url=server.url) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == ""
            assert process.wait(20) == 1

    def test_by_ctrl_c_has_status_130(self, server: Server, tmp_path: Path) -> None:
        running = {"id": "j1", "kind": "Train", "state": "running", "progress": 0, "message": "", "error": None}
        server.on("POST", "/api/v1/gc/plans", Answer(running | {"subject": "gc/plans/p1"}, 202))
        server.on("GET", "/api/v1/jobs/j1", Answer(running))
        with program(["gc", "plan"], tmp_path, url=server.url) as process:
            deadline = time.monotonic() + 20
            while not any(asked.path.endswith("/jobs/j1") for asked in server.asked):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=20)
        assert (process.returncode, out, "Traceback" in error) == (130, "", False)

    def test_comes_on_a_terminal_that_knows_few_signs(self, server: Server, tmp_path: Path) -> None:
        server.on("GET", "/api/v1/events", many_events(1))
        result = run(["events"], tmp_path, url=server.url, PYTHONIOENCODING="ascii")
        assert (result.returncode, result.stderr) == (0, "")
        assert r"\xe9" in result.stdout

"""`millrace env`: a shell takes what it prints, whatever is in it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server


@pytest.fixture(autouse=True)
def known(server: Server) -> None:
    server.on("GET", "/api/v1/whoami", Answer({"name": "ada", "role": "developer", "scopes": ["read", "write"]}))


def evaluated(printed: str, folder: Path) -> dict[str, str]:
    """What bash has after `eval "$(millrace env)"`."""
    bash = shutil.which("bash")
    assert bash is not None
    ask = 'eval "$1"; printf "%s\\0" "$MILLRACE_URL" "$MILLRACE_TOKEN" "$MLFLOW_TRACKING_URI" "$MLFLOW_TRACKING_TOKEN"'
    answer = subprocess.run(
        [bash, "-uec", ask, "bash", printed], cwd=folder, capture_output=True, check=True, text=True
    )
    names = ("MILLRACE_URL", "MILLRACE_TOKEN", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN")
    return dict(zip(names, answer.stdout.split("\0"), strict=False))


class TestEnv:
    def test_is_taken_by_bash(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        result = millrace("env")
        assert (result.exit_code, result.stdout.startswith("# ")) == (0, True)
        assert evaluated(result.stdout, tmp_path) == {
            "MILLRACE_URL": server.url,
            "MILLRACE_TOKEN": "mlr_test",
            "MLFLOW_TRACKING_URI": f"{server.url}/mlflow",
            "MLFLOW_TRACKING_TOKEN": "mlr_test",
        }

    def test_is_quoted_against_what_is_in_a_token_or_a_name(
        self, millrace: Millrace, server: Server, tmp_path: Path
    ) -> None:
        odd = "mlr_a'b $(touch pwned)`x`;"
        server.on("GET", "/api/v1/whoami", Answer({"name": "ada\ntouch pwned", "role": "r", "scopes": []}))
        found = evaluated(millrace("env", "--token", odd).stdout, tmp_path)
        assert found["MLFLOW_TRACKING_TOKEN"] == odd
        assert not (tmp_path / "pwned").exists()

    def test_is_json_for_programs(self, millrace: Millrace, server: Server) -> None:
        found = json.loads(millrace("env", "--json").stdout)
        assert found["MLFLOW_TRACKING_URI"] == f"{server.url}/mlflow"

    def test_is_taken_by_fish(self, millrace: Millrace) -> None:
        lines = millrace("env", "--shell", "fish", "--token", "a'b\\c").stdout.splitlines()
        assert lines[-1] == "set -gx MLFLOW_TRACKING_TOKEN 'a\\'b\\\\c'"

    def test_says_that_a_token_is_wrong_and_prints_nothing(self, millrace: Millrace, server: Server) -> None:
        refused = {"title": "Unauthenticated", "detail": "The token is unknown.", "code": "unauthenticated"}
        server.on("GET", "/api/v1/whoami", Answer(refused, 401))
        result = millrace("env")
        assert (result.exit_code, result.stdout) == (5, "")

    def test_needs_a_token(self, bare: Millrace, server: Server) -> None:
        result = bare("env", "--url", server.url)
        assert (result.exit_code, result.stdout, server.asked) == (5, "", [])


class TestDvc:
    def test_prints_the_commands_that_make_the_remote(self, millrace: Millrace, server: Server) -> None:
        assert millrace("env", "--dvc", "people").stdout.splitlines()[1:] == [
            f"dvc remote add --force --default millrace {server.url}/dvc/people",
            "dvc remote modify --local millrace auth basic",
            "dvc remote modify --local millrace user millrace",
            "dvc remote modify --local millrace password mlr_test",
        ]
        commands = json.loads(millrace("env", "--dvc", "people", "--json").stdout)["commands"]
        assert commands[0][:4] == ["dvc", "remote", "add", "--force"]

    @pytest.mark.parametrize("name", ["people@3", "../x", "a b", ""])
    def test_refuses_what_is_no_dataset(self, millrace: Millrace, name: str) -> None:
        result = millrace("env", "--dvc", name)
        assert (result.exit_code, result.stdout) == (2, "")

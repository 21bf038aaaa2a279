"""The whole walk with the TypeScript SDK, by Node against a running server."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.servers import _node as node

pytestmark = pytest.mark.usefixtures("worker")
WALK = Path(__file__).with_name("walk.mjs")


def test_from_a_file_to_the_lineage_of_an_answer(url: str, token: str, rides: Path) -> None:
    table = (rides / "rides.csv").read_bytes()
    done = subprocess.run([node(), str(WALK), url, token], input=table, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert (told["state"], told["message"], told["run"], told["refused"]) == (
        "validated",
        "from Node",
        "finished",
        401,
    )
    assert told["predictions"][0] == pytest.approx(3 * 20 + 2 * 8, abs=3)  # what the rides are made by
    assert any(link.startswith("runs/") for link in told["links"])

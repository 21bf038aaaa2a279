"""The evidence of a promotion leaves the house as one signed file, and is verified without the house."""

import json
import stat
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from adapters.runtime import Runtime
from adapters.signing import KeyUnreadable, signing_key
from cli.evidence import NoPack, verify
from tests.api.answers import refused
from tests.conftest import Drain
from tests.flows.plane import promote
from tests.flows.test_replay import first, replay, train

__all__ = ["first"]  # a fixture


@pytest.fixture
def second(client: httpx.Client, drain: Drain, first: dict[str, Any]) -> dict[str, Any]:
    """A promotion with a comparison and slices."""
    assert first["state"] == "applied"
    policy = client.get("models/tumours").json()["policy"]
    big = {"name": "big", "where": "mean_radius > 14"}
    policy["gates"][-1] |= {"slices": [big], "slice_margin": 0.5, "slice_min_rows": 5}
    answer = client.put("models/tumours/policy", json=policy)
    assert answer.status_code == 200, answer.text
    train(client, drain, seed=4)
    return promote(client, drain, 2, model="tumours")


def pack_of(client: httpx.Client, promotion: dict[str, Any], path: Path) -> Path:
    answer = client.get(f"promotions/{promotion['id']}/evidence-pack")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
    path.write_bytes(answer.content)
    return path


def changed(pack: Path, name: str, old: bytes, new: bytes) -> Path:
    """The pack with something in one of its files replaced."""
    out = BytesIO()
    with ZipFile(pack) as archive, ZipFile(out, "w") as other:
        for each in archive.namelist():
            content = archive.read(each)
            if each == name:
                assert old in content
                content = content.replace(old, new)
            other.writestr(each, content)
    path = pack.with_name("changed.zip")
    path.write_bytes(out.getvalue())
    return path


def test_is_signed_and_tells_what_was_changed(
    client: httpx.Client, drain: Drain, runtime: Runtime, tmp_path: Path, second: dict[str, Any]
) -> None:
    replay(client, drain, second)
    pack = pack_of(client, second, tmp_path / "pack.zip")
    trusted = client.get("evidence-key").json()["public_key"]
    found = verify(pack, trusted)
    assert (found["promotion"], found["problems"]) == (second["id"], [])
    assert pack.read_bytes() == pack_of(client, second, tmp_path / "again.zip").read_bytes()
    with ZipFile(pack) as archive:
        told = json.loads(archive.read("evidence.json"))
        page = archive.read("report.html").decode()
    assert told["promotion"]["record_digest"] == second["record_digest"]
    assert told["replays"][0]["same"] is True
    assert page.count("<svg") == 3  # the effect, the slices, the budget
    assert "<script" not in page
    assert second["requested_by"] in page

    forged = changed(pack, "evidence.json", b'"version":2', b'"version":3')
    assert verify(forged, trusted)["problems"] == ["evidence.json is not the one that was signed."]
    painted = changed(pack, "report.html", b"Gates", b"Gifts")
    assert verify(painted, trusted)["problems"] == ["report.html is not the one that was signed."]
    other = signing_key(tmp_path / "other.pem").public
    assert verify(pack, other)["problems"] == ["It was signed by another key than the one you trust."]
    mode = runtime.settings.evidence_key_file.stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_of_a_first_champion_says_that_there_was_none_before(
    client: httpx.Client, tmp_path: Path, first: dict[str, Any]
) -> None:
    with ZipFile(pack_of(client, first, tmp_path / "pack.zip")) as archive:
        page = archive.read("report.html").decode()
    assert "There was no champion" in page
    assert "<svg" not in page


def test_what_was_never_decided_has_none(client: httpx.Client, drain: Drain, first: dict[str, Any]) -> None:
    assert first["decision"] is not None
    train(client, drain, seed=9)
    asked = client.post("models/tumours/versions/2/promotions").json()["subject"]
    refused(client.get(f"{asked}/evidence-pack"), 409, "nothing_to_replay")


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(b"PK nonsense")
    with pytest.raises(NoPack):
        verify(path, None)


def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("nonsense")
    with pytest.raises(KeyUnreadable, match="cannot be read"):
        signing_key(path)

"""Every operation of the API has its function in both SDKs: the generators drop what they cannot read."""

import json
import re
from pathlib import Path

import millrace
from millrace.rest.api.datasets import get_dataset_bundle, get_dataset_content, get_dataset_pointer
from millrace.rest.api.events import export_events
from millrace.rest.models import FilesWanted
from millrace.rest.types import File
from tests.architecture.source import ROOT

DOCUMENT = json.loads((ROOT / "api" / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = sorted(one["operationId"] for item in DOCUMENT["paths"].values() for one in item.values())
PYTHON = ROOT / "sdk" / "python" / "millrace" / "rest" / "api"
TYPESCRIPT = ROOT / "sdk" / "typescript" / "src" / "generated" / "operations.ts"


def test_python_has_each_of_them() -> None:
    assert set(OPERATIONS) <= {path.stem for path in PYTHON.glob("*/*.py")}


def test_typescript_has_each_of_them() -> None:
    made = set(re.findall(r'Arguments<"(\w+)">', TYPESCRIPT.read_text(encoding="utf-8")))
    assert set(OPERATIONS) <= made


def test_python_gives_a_file_for_bytes() -> None:
    binary = {
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        if '"binary"' in json.dumps(operation["responses"])
    }
    assert "get_evidence_pack" in binary
    made = {path.stem: path.read_text(encoding="utf-8") for path in PYTHON.glob("*/*.py")}
    assert [name for name in binary if "File(" not in made[name]] == []


def test_python_hands_out_what_the_server_sends(client: millrace.Client, rides: Path) -> None:
    client.datasets("rides").push(rides)
    sent = (rides / "rides.csv").read_bytes()
    content = get_dataset_content.sync("rides", "1", "rides.csv", client=client.api)
    bundle = get_dataset_bundle.sync("rides", "1", client=client.api, body=FilesWanted())
    assert isinstance(content, File)
    assert content.payload.read() == sent
    assert isinstance(bundle, File)
    assert sent in bundle.payload.read()
    assert "rides.csv" in str(get_dataset_pointer.sync("rides", "1", client=client.api))
    exported = export_events.sync(client=client.api)
    assert isinstance(exported, str)
    assert "DatasetVersionCreated" in {json.loads(line)["type"] for line in exported.splitlines()}


def test_no_schema_has_the_name_of_a_module() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if "__" in name] == []

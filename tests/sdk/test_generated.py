"""Every operation of the API has its function in both SDKs: the generators drop what they cannot read."""

import json
import re

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


def test_no_schema_has_the_name_of_a_module() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if "__" in name] == []

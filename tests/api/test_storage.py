"""What the store holds, and what each version added to it."""

import random

import httpx

from tests.conftest import ON_BOTH_DATABASES
from workers.handlers.datasets import measure_versions
from workers.toolbox import Toolbox

_ROWS = "".join(f"{number},{random.Random(number).random()}\n" for number in range(60_000))


def upload(client: httpx.Client, name: str, text: str) -> None:
    answer = client.post(f"datasets/{name}/versions", files={"files": ("d.csv", text.encode())})
    assert answer.status_code == 201, answer.text


@ON_BOTH_DATABASES
def test_a_version_is_measured_by_what_it_added(client: httpx.Client, tools: Toolbox) -> None:
    client.post("datasets", json={"name": "d"})
    upload(client, "d", f"a,b\n{_ROWS}")
    upload(client, "d", f"a,b\n{_ROWS}1,1\n")
    before = client.get("datasets/d/versions/1").json()
    assert (before["stored_size"], before["size"]) == (None, len(_ROWS) + 4)
    measure_versions(tools)
    second, first = client.get("datasets/d/versions").json()["items"]
    assert 0 < second["stored_size"] < first["stored_size"] / 4
    assert first["stored_size"] < first["size"]
    storage = client.get("storage").json()
    (dataset,) = storage["datasets"]
    assert (dataset["versions"], dataset["unmeasured"]) == (2, 0)
    assert dataset["stored_bytes"] == first["stored_size"] + second["stored_size"] <= storage["stored_bytes"]
    assert storage["logical_bytes"] == storage["content_bytes"] == first["size"] + second["size"]
    assert storage["chunk_bytes"] < storage["content_bytes"]
    assert storage["packs"] >= 1


def test_an_empty_store_is_all_zeros(client: httpx.Client) -> None:
    storage = client.get("storage").json()
    assert set(map(str, storage.values())) == {"0", "[]"}

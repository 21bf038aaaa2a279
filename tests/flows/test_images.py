"""From a registered version to an image in a registry, and from what is in the image to an answer."""

import asyncio
import io
import tarfile
from pathlib import Path

import httpx
import pytest
from httpx import ASGITransport, AsyncClient

from adapters.object_store.local import LocalStore
from adapters.oci.assembly import Descriptor
from adapters.oci.registry import Registry
from adapters.runtime import Runtime
from api.build_contexts import DamagedPackage, build_context
from domain.images.contents import routes_for
from serving.app import build_serving, running, standalone
from tests.adapters.registries import LOOPBACK, push_base, registry
from tests.conftest import Drain
from tests.domain.deployments.versions import ANN, add_versions
from tests.serving.plants import ROW, expected, regression_package


@pytest.fixture
def version(runtime: Runtime) -> str:
    """Version 1 of the model `m` with a real package; its path."""
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)[0].package_digest = regression_package(runtime.models, 1)
    return "models/m/versions/1"


def test_an_image_has_all_that_serving_needs(version: str, client: httpx.Client, drain: Drain, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as host:
        base = push_base(host, tmp_path)
        for tag, endpoint in (("other", "other"), ("1", "m"), ("same", "m")):
            body = {"to": f"{host}/team/m:{tag}", "base": base, "endpoint": endpoint}
            ordered = client.post(f"{version}/image", json=body)
            assert ordered.status_code == 202, ordered.text
        drain()
        images = client.get(f"{version}/images").json()["items"]
        assert [image["state"] for image in images] == ["succeeded"] * 3
        second, first, other = (image["pushed"] for image in images)
        assert first["digest"] == second["digest"]
        assert len(first["manifest"]["layers"]) == 2
        objects = client.get(f"{version}/kubernetes", params={"name": "bikes"})
        assert f"image: {second['reference']}" in objects.text
        chosen = client.get(f"{version}/kubernetes", params={"name": "bikes", "image": other["digest"]})
        assert other["digest"] != second["digest"]
        assert f"image: {other['reference']}" in chosen.text
        unknown = client.get(f"{version}/kubernetes", params={"name": "bikes", "image": "sha256:" + "0" * 64})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_image")
        layer = tmp_path / "layer.tar.gz"
        last = first["manifest"]["layers"][-1]
        with Registry(host, LOOPBACK) as there:
            there.fetch("team/m", Descriptor(last["mediaType"], last["digest"], last["size"]), layer)
            config = there.config("team/m", Descriptor("", first["manifest"]["config"]["digest"], 0))
    assert config["config"]["Labels"]["io.millrace.data"] == "d@1"
    assert "MILLRACE_MODEL_STORE_URL=/models" in config["config"]["Env"]
    with tarfile.open(layer) as archive:
        archive.extractall(tmp_path / "root", filter="data")
    assert asyncio.run(_ask(tmp_path)) == pytest.approx(expected(ROW, 1))


async def _ask(folder: Path) -> float:
    app = build_serving(LocalStore(folder / "root" / "models"), folder / "cache")
    async with running(app), AsyncClient(transport=ASGITransport(standalone(app)), base_url="http://image") as asking:
        answer = await asking.post("/serve/m/predict", json={"instances": [ROW]})
    assert answer.status_code == 200, answer.text
    return float(answer.json()["predictions"][0])


def test_a_registry_that_is_not_allowed_fails_the_job(version: str, client: httpx.Client, drain: Drain) -> None:
    body = {"to": "registry.example/m:1", "base": "registry.example/serving:1"}
    client.post(f"{version}/image", json=body)
    job = next(one for one in drain() if one.kind == "PushImage")
    assert job.state == "failed"
    assert job.error is not None
    assert job.error["code"] == "registry_not_allowed"
    assert client.get(f"{version}/images").json()["items"][0]["pushed"] is None


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"to": "m:1", "base": "localhost:5000/s:1"}, "to"),
        ({"to": "localhost:5000/m", "base": "localhost:5000/s:1"}, "to"),
        ({"to": "localhost:5000/m:1"}, "base"),
        ({"to": "localhost:5000/m:1", "base": "localhost:5000/s:1", "platform": "amd64"}, "body.platform"),
    ],
)
def test_odd_orders_are_refused(version: str, client: httpx.Client, body: dict[str, str], where: str) -> None:
    answer = client.post(f"{version}/image", json=body)
    assert answer.status_code == 422
    assert where in answer.text


def test_a_dockerfile_for_those_who_build_by_docker(version: str, client: httpx.Client) -> None:
    answer = client.get(f"{version}/dockerfile", params={"base": "localhost:5000/s:1"})
    assert answer.text.startswith("FROM localhost:5000/s:1\nCOPY --chown=10001:10001 models /models\n")
    assert client.get(f"{version}/dockerfile", params={"base": "s"}).status_code == 422


def test_a_build_context_has_all_that_serving_needs(
    version: str, runtime: Runtime, client: httpx.Client, tmp_path: Path
) -> None:
    asked = {"base": "localhost:5000/s:1"}
    answer = client.get(f"{version}/build-context", params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-tar")
    assert client.get(f"{version}/build-context", params=asked).content == answer.content
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path / "root", filter="data")
    alone = client.get(f"{version}/dockerfile", params=asked)
    assert (tmp_path / "root" / "Dockerfile").read_text() == alone.text
    assert asyncio.run(_ask(tmp_path)) == pytest.approx(expected(ROW, 1))


def test_a_damaged_package_gives_no_build_context(version: str, runtime: Runtime, client: httpx.Client) -> None:
    asked = {"base": "localhost:5000/s:1"}
    (model,) = (found.key for found in runtime.models.list("packages") if found.key.endswith(".onnx"))
    whole = runtime.models.get(model)
    runtime.models.put(model, whole[:-1] + b"?")
    package = model.split("/")[1]
    routes = routes_for(endpoint="m", model="m", number=1, package=package)
    with pytest.raises(DamagedPackage):
        list(build_context(runtime.models, dockerfile="FROM s", routes=routes, package=package))
    runtime.models.put(model, whole[:-1])
    answer = client.get(f"{version}/build-context", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "damaged_package")
    assert answer.json()["where"].endswith(".onnx")
    runtime.models.delete(model)
    assert client.get(f"{version}/build-context", params=asked).json()["code"] == "object_missing"


def test_without_an_image_there_is_nothing_to_deploy(version: str, client: httpx.Client) -> None:
    assert client.get(f"{version}/kubernetes", params={"name": "bikes"}).json()["code"] == "no_image"
    assert client.get(f"{version}/kubernetes", params={"name": "Bikes!"}).status_code == 422
    narrow = client.get(f"{version}/kubernetes", params={"name": "bikes", "min_replicas": 3, "max_replicas": 2})
    assert narrow.status_code == 422
    assert "max_replicas is below min_replicas" in narrow.text

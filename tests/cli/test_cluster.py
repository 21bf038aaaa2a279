"""`millrace deploy --kubernetes`, by the official client against a stand-in of the cluster's API over HTTP."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.images.kubernetes import KubernetesAsk, render
from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

IMAGE = "registry.example/bikes@sha256:" + "a" * 64
NAMESPACED = {
    "Deployment": "/apis/apps/v1/namespaces/team/deployments",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/team/horizontalpodautoscalers",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/team/poddisruptionbudgets",
    "Service": "/api/v1/namespaces/team/services",
}
COMMAND = ("deploy", "bikes", "3", "--kubernetes", "--namespace", "team", "--ready-seconds", "1.5")


def objects(colour: Any) -> list[dict[str, Any]]:
    ask = KubernetesAsk(name="bikes", namespace="team", colour=colour)
    return render(ask, image=IMAGE, model="bikes", number=3)


@pytest.fixture
def cluster(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The cluster, which is the same server as Millrace's, and takes whatever is applied."""
    access = {
        "apiVersion": "v1", "kind": "Config", "current-context": "here", "users": [{"name": "me", "user": {}}],
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "me"}}],
    }  # fmt: skip
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(access))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    for one in (*objects("blue"), *objects("green")):
        server.on("PATCH", f"{NAMESPACED[one['kind']]}/{one['metadata']['name']}", Answer(one))
    return server


def rendered(cluster: Server, colour: str) -> None:
    text = yaml.safe_dump_all(objects(colour)).encode()
    cluster.on("GET", "/api/v1/models/bikes/versions/3/kubernetes", Answer(text, kind="application/yaml"))


def selecting(cluster: Server, colour: str) -> None:
    body = {"spec": {"selector": {"millrace.io/colour": colour}}}
    cluster.on("GET", f"{NAMESPACED['Service']}/bikes", Answer(body))


def deployment(ready: int, *, wanted: int = 2) -> Answer:
    status = {
        "observedGeneration": 4, "replicas": wanted, "updatedReplicas": wanted,
        "readyReplicas": ready, "availableReplicas": ready,
    }  # fmt: skip
    return Answer({"metadata": {"generation": 4}, "spec": {"replicas": wanted}, "status": status})


def applied(cluster: Server) -> list[str]:
    return [asked.path.rpartition("/")[2] for asked in cluster.asked if asked.method == "PATCH"]


def test_the_other_colour_is_ready_before_the_service_is_switched(cluster: Server, millrace: Millrace) -> None:
    selecting(cluster, "blue")
    rendered(cluster, "green")
    cluster.on("GET", f"{NAMESPACED['Deployment']}/bikes-green", deployment(1), deployment(2))
    result = millrace(*COMMAND)
    assert result.exit_code == 0, result.output
    assert applied(cluster) == ["bikes-green", "bikes-green", "bikes-green", "bikes"]
    first = next(asked for asked in cluster.asked if asked.method == "PATCH")
    assert first.headers["content-type"] == "application/apply-patch+yaml"
    assert (first.query["fieldManager"], first.query["force"].lower()) == ("millrace", "true")
    assert cluster.asked[-1].json()["spec"]["selector"]["millrace.io/colour"] == "green"
    asked = next(one for one in cluster.asked if one.path.endswith("/kubernetes"))
    assert asked.query == {"name": "bikes", "namespace": "team", "colour": "green"}
    assert "green" in result.output


def test_the_first_is_blue(cluster: Server, millrace: Millrace) -> None:
    cluster.on("GET", f"{NAMESPACED['Service']}/bikes", Answer({"message": "not found"}, 404))
    rendered(cluster, "blue")
    cluster.on("GET", f"{NAMESPACED['Deployment']}/bikes-blue", deployment(2))
    result = millrace(*COMMAND)
    assert result.exit_code == 0, result.output
    assert applied(cluster)[-1] == "bikes"


def test_what_does_not_become_ready_leaves_the_service_and_says_why(cluster: Server, millrace: Millrace) -> None:
    selecting(cluster, "green")
    rendered(cluster, "blue")
    cluster.on("GET", f"{NAMESPACED['Deployment']}/bikes-blue", deployment(0))
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    pods = {"items": [{"metadata": {"name": "bikes-blue-1"}, "status": {"containerStatuses": [waiting]}}]}
    cluster.on("GET", "/api/v1/namespaces/team/pods", Answer(pods))
    event = {"involvedObject": {"name": "bikes-blue-1"}, "message": "Failed to pull"}
    cluster.on("GET", "/api/v1/namespaces/team/events", Answer({"items": [event]}))
    result = millrace(*COMMAND)
    assert result.exit_code == 1
    for said in ("did not become ready within 1.5 s", "ImagePullBackOff no such image", "Failed to pull"):
        assert said in " ".join(result.output.split())
    assert "bikes" not in applied(cluster)


def test_what_the_cluster_refuses_is_told(cluster: Server, millrace: Millrace) -> None:
    selecting(cluster, "blue")
    rendered(cluster, "green")
    refusal = Answer({"kind": "Status", "message": "deployments is forbidden"}, 403)
    cluster.on("PATCH", f"{NAMESPACED['Deployment']}/bikes-green", refusal)
    result = millrace(*COMMAND)
    assert (result.exit_code, "deployments is forbidden" in result.output) == (1, True)


def test_without_a_cluster_it_says_so(millrace: Millrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    result = millrace(*COMMAND)
    assert (result.exit_code, "No cluster is configured" in result.output) == (1, True)


def test_a_version_is_a_number(millrace: Millrace) -> None:
    result = millrace("deploy", "bikes", "newest", "--kubernetes")
    assert (result.exit_code, "no number of a version" in result.output) == (1, True)

"""deploy/kubernetes: each object fits the published schemas, the others, and the code.

KEDA's two kinds are held to a small schema of our own: only the fields that the base uses. Nothing runs in a cluster.
"""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from adapters.queue import QUEUE_NAME
from tests.architecture.source import ROOT
from tests.architecture.test_deployment import DOCKERFILE, SERVICES, problem_with, settings_names

FOLDER = ROOT / "deploy" / "kubernetes"
GUIDE = (ROOT / "docs" / "how-to" / "deploy-on-kubernetes.md").read_text(encoding="utf-8")
SCHEMAS = "1.34"
Manifest = dict[str, Any]


def documents(path: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


KUSTOMIZATION = documents(FOLDER / "base" / "kustomization.yaml")[0]
OBJECTS = [one for name in KUSTOMIZATION["resources"] for one in documents(FOLDER / "base" / name)]
CONFIG = {
    one["name"]: dict(pair.split("=", 1) for pair in one["literals"]) for one in KUSTOMIZATION["configMapGenerator"]
}


def of_kind(*kinds: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in OBJECTS if one["kind"] in kinds}


WORKLOADS = of_kind("Deployment", "Job")
PODS = {name: one["spec"]["template"]["spec"] for name, one in WORKLOADS.items()}
LABELS = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in WORKLOADS.items()}
CONTAINERS = {
    f"{name}/{container['name']}": container
    for name, pod in PODS.items()
    for container in (*pod.get("initContainers", []), *pod["containers"])
}
GUIDED_SECRETS = {
    name: set(re.findall(r"`(\w[\w.-]*)`", keys))
    for name, keys in re.findall(r"^- `([\w-]+)`: (.+)$", GUIDE, re.MULTILINE)
}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Named(Strict):
    name: str


class Metadata(Strict):
    listName: str  # noqa: N815 - KEDA's names, here and below
    listLength: str  # noqa: N815
    databaseIndex: str  # noqa: N815


class Trigger(Strict):
    type: str
    metadata: Metadata
    authenticationRef: Named  # noqa: N815


class ScaledObject(Strict):
    scaleTargetRef: Named  # noqa: N815
    pollingInterval: int  # noqa: N815
    minReplicaCount: int  # noqa: N815
    maxReplicaCount: int  # noqa: N815
    advanced: dict[str, Any]
    triggers: list[Trigger]


class SecretKey(Named):
    parameter: str
    key: str


class TriggerAuthentication(Strict):
    secretTargetRef: list[SecretKey]  # noqa: N815


def fits(one: Manifest) -> None:
    """Raises what the schema of the kind says against it."""
    ours: dict[str, type[Strict]] = {"ScaledObject": ScaledObject, "TriggerAuthentication": TriggerAuthentication}
    if one["apiVersion"] == "keda.sh/v1alpha1":
        ours[one["kind"]].model_validate(one["spec"])
    else:
        kubernetes_validate.validate(one, SCHEMAS, strict=True)


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_object_fits_its_schema(one: Manifest) -> None:
    fits(one)


def test_every_file_is_a_resource() -> None:
    files = {path.name for path in (FOLDER / "base").glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])
    assert max(Counter((one["kind"], one["metadata"]["name"]) for one in OBJECTS).values()) == 1


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders overlays")
@pytest.mark.parametrize("folder", ["base", "example"])
def test_kustomize_renders_what_fits(folder: str) -> None:
    command = ["kubectl", "kustomize", str(FOLDER / folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    rendered = list(yaml.safe_load_all(done.stdout))
    for one in rendered:
        fits(one)
    assert {one["metadata"]["name"] for one in OBJECTS} <= {one["metadata"]["name"] for one in rendered}
    assert ("192.0.2.0/24" in done.stdout) == (folder == "base")
    pods = [one["spec"]["template"] for one in rendered if one["kind"] in {"Deployment", "Job"}]
    assert {pod["metadata"]["labels"]["app.kubernetes.io/part-of"] for pod in pods} == {"millrace"}


def test_the_example_merges_into_maps_and_images_of_the_base() -> None:
    example = documents(FOLDER / "example" / "kustomization.yaml")[0]
    for generated in example["configMapGenerator"]:
        assert {pair.split("=", 1)[0] for pair in generated["literals"]} <= set(CONFIG[generated["name"]])
    assert {one["name"] for one in example["images"]} == {one["image"] for one in CONTAINERS.values()}


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_selectors_match_labels(name: str) -> None:
    if name in of_kind("Deployment"):
        assert WORKLOADS[name]["spec"]["selector"]["matchLabels"].items() <= LABELS[name].items()
    for spread in PODS[name].get("topologySpreadConstraints", []):
        assert spread["labelSelector"]["matchLabels"].items() <= LABELS[name].items()


@pytest.mark.parametrize("one", of_kind("Service", "PodDisruptionBudget", "NetworkPolicy").values(), ids=str)
def test_what_selects_pods_finds_some(one: Manifest) -> None:
    spec = one["spec"]
    chosen = spec.get("podSelector", spec.get("selector"))
    labels = chosen.get("matchLabels", chosen)
    everywhere = {"app.kubernetes.io/part-of": "millrace"}
    assert any(labels.items() <= (own | everywhere).items() for own in LABELS.values())


@pytest.mark.parametrize("name", sorted(of_kind("Service")))
def test_ports_are_named_by_the_container(name: str) -> None:
    named = {port["name"] for container in PODS[name]["containers"] for port in container["ports"]}
    assert {port["targetPort"] for port in of_kind("Service")[name]["spec"]["ports"]} <= named
    container = PODS[name]["containers"][0]
    assert str(container["ports"][0]["containerPort"]) == container["command"][-1]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in named


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_container_runs_a_command_of_an_image_as_compose_does(name: str) -> None:
    container = CONTAINERS[name]
    assert problem_with(container["command"]) is None
    target = container["image"].removeprefix("millrace-")
    assert target in re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE)
    there = SERVICES[container["name"]]
    assert (container["command"], target) == (there["command"], there["build"]["target"])


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_variables_are_those_of_compose(name: str) -> None:
    container = CONTAINERS[name]
    given = {one["name"] for one in container.get("env", [])}
    for source in container["envFrom"]:
        ((kind, there),) = source.items()
        given |= set(CONFIG[there["name"]]) if kind == "configMapRef" else GUIDED_SECRETS[there["name"]]
    assert {one for one in given if one.startswith("MILLRACE_")} <= settings_names()
    assert "TMPDIR" in given
    wanted = set(SERVICES[container["name"]]["environment"])
    assert wanted <= given
    if container["name"] == "serving":
        assert not {"MILLRACE_DATABASE_URL", "MILLRACE_REDIS_URL", "MILLRACE_ADMIN_TOKEN"} & given


def test_every_secret_is_in_the_guide() -> None:
    used = {
        source["secretRef"]["name"]
        for container in CONTAINERS.values()
        for source in container["envFrom"]
        if "secretRef" in source
    }
    used |= {volume["secret"]["secretName"] for pod in PODS.values() for volume in pod["volumes"] if "secret" in volume}
    for reference in of_kind("TriggerAuthentication")["millrace-redis"]["spec"]["secretTargetRef"]:
        assert reference["key"] in GUIDED_SECRETS[reference["name"]]
        used.add(reference["name"])
    assert used == set(GUIDED_SECRETS)
    (path,) = [one["value"] for one in CONTAINERS["millrace-api/api"]["env"]]
    assert Path(path).name in GUIDED_SECRETS["millrace-evidence-key"]


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_container_has_no_rights_and_writes_to_scratch_only(name: str) -> None:
    container, pod = CONTAINERS[name], PODS[name.split("/", maxsplit=1)[0]]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    written = {one["mountPath"] for one in container["volumeMounts"] if "emptyDir" in volumes[one["name"]]}
    assert written == {"/var/lib/millrace", "/var/tmp"}  # noqa: S108 - in the container


def test_workers_scale_on_the_list_that_celery_fills() -> None:
    scaled = of_kind("ScaledObject")["millrace-worker"]["spec"]
    assert scaled["scaleTargetRef"]["name"] in WORKLOADS
    assert scaled["triggers"][0]["metadata"]["listName"] == QUEUE_NAME
    target = of_kind("HorizontalPodAutoscaler")["millrace-serving"]["spec"]["scaleTargetRef"]["name"]
    for name in (scaled["scaleTargetRef"]["name"], target):
        assert "replicas" not in WORKLOADS[name]["spec"]  # else each apply undoes the autoscaler's


def test_there_is_one_clock() -> None:
    beat = WORKLOADS["millrace-beat"]["spec"]
    assert (beat["replicas"], beat["strategy"]["type"]) == (1, "Recreate")


def test_serving_reaches_the_store_and_names_only() -> None:
    reached = {label for label in LABELS["millrace-serving"] if label.startswith("millrace.io/reaches-")}
    assert reached == {"millrace.io/reaches-store"}
    everything = of_kind("NetworkPolicy")["millrace-only-names"]["spec"]
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in everything


@pytest.mark.parametrize("odd", [{"replica": 1}, {"triggers": []}])
def test_a_wrong_field_is_recognised(odd: Manifest) -> None:
    with pytest.raises((kubernetes_validate.ValidationError, ValueError)):
        fits({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": odd})
    wrong = of_kind("Deployment")["millrace-api"]
    with pytest.raises(kubernetes_validate.ValidationError):
        fits(wrong | {"spec": wrong["spec"] | {"replica": 1}})

"""`deploy/kubernetes`: fits the published schemas, and what it names exists: settings, commands, ports, secrets.

KEDA's objects are not among the schemas that `kubernetes_validate` brings; they are held against the fields that KEDA's
documentation names. No kustomize runs here: what a kustomization lists is read as it would be.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from adapters.queue import QUEUE_NAME
from adapters.settings import Settings
from cli.main import app

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
BASE, OVERLAY = FOLDER / "base", FOLDER / "overlays" / "example"
KEDA = {
    "ScaledObject": {
        "scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod", "triggers",
    },
    "TriggerAuthentication": {"secretTargetRef"},
}  # fmt: skip

Manifest = dict[str, Any]


def documents(path: Path) -> Iterator[Manifest]:
    """What a kustomization puts together; folders among its resources are kustomizations themselves."""
    for name in yaml.safe_load((path / "kustomization.yaml").read_text())["resources"]:
        found = path / name
        if found.is_dir():
            yield from documents(found)
        else:
            yield from yaml.safe_load_all(found.read_text())


ALL = list(documents(OVERLAY))
WORKLOADS = [one for one in ALL if one["kind"] in {"Deployment", "Job"}]


def named(kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in ALL if one["kind"] == kind}


def pod(workload: Manifest) -> Manifest:
    found: Manifest = workload["spec"]["template"]["spec"]
    return found


def containers(workload: Manifest) -> list[Manifest]:
    return [*pod(workload).get("initContainers", []), *pod(workload)["containers"]]


def secrets() -> dict[str, set[str]]:
    """The keys of each secret that the overlay makes, by the examples of its files."""
    return {
        one["name"]: {
            line.partition("=")[0]
            for name in one["envs"]
            for line in (OVERLAY / f"{name}.example").read_text().splitlines()
            if line and not line.startswith("#")
        }
        for one in yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())["secretGenerator"]
    }


@pytest.mark.parametrize("document", ALL, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_documents_fit_the_schemas(document: Manifest) -> None:
    if document["kind"] in KEDA:
        assert document["apiVersion"] == "keda.sh/v1alpha1"
        assert set(document["spec"]) <= KEDA[document["kind"]]
    else:
        kubernetes_validate.validate(document, "1.34", strict=True)


def test_every_file_of_the_base_is_a_resource_of_it() -> None:
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(file.name for file in BASE.glob("*.yaml") if file.name != "kustomization.yaml")


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one["metadata"]["name"])
class TestWorkload:
    def test_has_no_rights_and_a_read_only_root(self, workload: Manifest) -> None:
        assert pod(workload)["securityContext"]["runAsNonRoot"]
        assert pod(workload)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod(workload)["automountServiceAccountToken"] is False
        volumes = {volume["name"] for volume in pod(workload)["volumes"]}
        for one in containers(workload):
            assert one["securityContext"]["readOnlyRootFilesystem"]
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {mount["name"] for mount in one["volumeMounts"]} == volumes
            assert one["resources"]["limits"]["memory"]

    def test_runs_a_command_that_there_is(self, workload: Manifest) -> None:
        commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
        for one in containers(workload):
            program, *arguments = one["command"]
            if program == "millrace":
                command = commands[arguments[0]]
                options = {name for each in command.params for name in each.opts}
                assert {argument for argument in arguments if argument.startswith("--")} <= options
            else:
                assert (ROOT / Path(*arguments[1].split("."))).with_suffix(".py").is_file()

    def test_uses_an_image_that_the_dockerfile_makes_and_the_overlay_names(self, workload: Manifest) -> None:
        stages = (ROOT / "deploy" / "Dockerfile").read_text()
        known = {one["name"] for one in yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())["images"]}
        for one in containers(workload):
            assert f" AS {one['image'].removeprefix('millrace-')}\n" in stages
            assert one["image"] in known

    def test_reads_settings_and_secrets_that_there_are(self, workload: Manifest) -> None:
        for one in containers(workload):
            for source in one["envFrom"]:
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in named("ConfigMap")
                else:
                    assert source["secretRef"]["name"] in secrets()

    def test_ports_of_probes_and_services_are_named(self, workload: Manifest) -> None:
        name = workload["metadata"]["name"]
        for one in pod(workload)["containers"]:
            ports = {port["name"] for port in one.get("ports", [])}
            probes = [one[probe] for probe in ("startupProbe", "readinessProbe", "livenessProbe") if probe in one]
            assert probes or workload["kind"] == "Job"
            assert {probe["httpGet"]["port"] for probe in probes if "httpGet" in probe} <= ports
            if name in named("Service"):
                assert {port["targetPort"] for port in named("Service")[name]["spec"]["ports"]} == ports

    def test_its_traffic_is_ruled(self, workload: Manifest) -> None:
        policy = named("NetworkPolicy")[workload["metadata"]["name"]]["spec"]
        assert policy["podSelector"]["matchLabels"].items() <= labels(workload).items()
        assert policy["policyTypes"] == ["Ingress", "Egress"]


def labels(workload: Manifest) -> dict[str, str]:
    found: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget"])
def test_selectors_match_pods(kind: str) -> None:
    for name, one in named(kind).items():
        selector = one["spec"]["selector"].get("matchLabels", one["spec"]["selector"])
        assert selector.items() <= labels(named("Deployment")[name]).items()


def test_what_scales_is_not_given_a_number_and_exists() -> None:
    targets = [one["spec"]["scaleTargetRef"]["name"] for kind in ("ScaledObject", "HorizontalPodAutoscaler")
               for one in named(kind).values()]  # fmt: skip
    assert sorted(targets) == ["serving", "worker"]
    assert not any("replicas" in named("Deployment")[name]["spec"] for name in targets)


def test_workers_are_counted_by_the_list_that_jobs_wait_in() -> None:
    (trigger,) = named("ScaledObject")["worker"]["spec"]["triggers"]
    assert (trigger["type"], trigger["metadata"]["listName"]) == ("redis", QUEUE_NAME)
    wanted = {(one["name"], one["key"]) for one in named("TriggerAuthentication")["broker"]["spec"]["secretTargetRef"]}
    assert all(key in secrets()[name] for name, key in wanted)


def test_every_setting_is_one() -> None:
    known = {f"MILLRACE_{name.upper()}" for name in Settings.model_fields}
    given = set().union(*(one["data"] for one in named("ConfigMap").values()), *secrets().values())
    assert {name for name in given if name.startswith("MILLRACE_")} <= known


def test_serving_reaches_the_store_and_nothing_of_the_others() -> None:
    rules = named("NetworkPolicy")["serving"]["spec"]["egress"]
    ports = {port["port"] for rule in rules for port in rule["ports"]}
    assert ports == {53, 443, 9000}
    (serving,) = (one for one in WORKLOADS if one["metadata"]["name"] == "serving")
    sources = {
        name for source in containers(serving)[0]["envFrom"] for name in source.values() for name in [name["name"]]
    }
    assert sources == {"millrace-serving", "millrace-store"}


def test_a_pod_of_serving_has_time_to_drain() -> None:
    asked = pod(named("Deployment")["serving"])
    paused = int(asked["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert asked["terminationGracePeriodSeconds"] > paused + Settings(_env_file=None).serving_drain_seconds + 30

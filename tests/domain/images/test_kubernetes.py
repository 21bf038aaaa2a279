"""Rendered objects fit the published schemas, and each other."""

from typing import Any, Literal

import kubernetes_validate
import pytest

from domain.images.kubernetes import KubernetesAsk, render

IMAGE = "registry.example/m@sha256:" + "a" * 64


def rendered(**ask: Any) -> dict[str, dict[str, Any]]:
    objects = render(KubernetesAsk.model_validate({"name": "bikes", **ask}), image=IMAGE, model="m", number=3)
    return {one["kind"]: one for one in objects}


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_objects_fit_the_schemas(colour: Literal["blue", "green"]) -> None:
    objects = rendered(colour=colour, namespace="team")
    assert list(objects) == ["Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service"]
    for one in objects.values():
        kubernetes_validate.validate(one, "1.34", strict=True)


def test_a_wrong_field_does_not_fit() -> None:
    wrong = rendered()["Deployment"]
    wrong["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.34", strict=True)


def test_the_service_selects_pods_of_its_colour_only() -> None:
    blue, green = rendered(colour="blue"), rendered(colour="green")
    assert blue["Service"]["metadata"] == green["Service"]["metadata"]
    assert blue["Deployment"]["metadata"]["name"] != green["Deployment"]["metadata"]["name"]
    for one in (blue, green):
        pods = one["Deployment"]["spec"]["template"]["metadata"]["labels"]
        assert one["Service"]["spec"]["selector"] == pods
        assert one["Deployment"]["spec"]["selector"]["matchLabels"] == pods
        assert one["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == pods
        assert one["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == one["Deployment"]["metadata"]["name"]
    assert blue["Service"]["spec"]["selector"] != green["Service"]["spec"]["selector"]


def test_pods_have_no_rights_and_a_read_only_root() -> None:
    pod = rendered()["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["image"] == IMAGE
        assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}


def test_kserve_gets_one_predictor() -> None:
    service = rendered(format="kserve")["InferenceService"]
    predictor = service["spec"]["predictor"]
    assert (service["apiVersion"], predictor["minReplicas"]) == ("serving.kserve.io/v1beta1", 2)
    assert [one["name"] for one in predictor["containers"]] == ["kserve-container"]


@pytest.mark.parametrize(
    "odd",
    [
        {"name": "Bikes"},
        {"name": "a" * 51},
        {"namespace": "a_b"},
        {"colour": "red"},
        {"min_replicas": 0},
        {"min_replicas": 3, "max_replicas": 2},
        {"image": "m:3"},
    ],
)
def test_odd_wishes_are_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        rendered(**odd)

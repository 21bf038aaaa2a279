"""A version's image as Kubernetes objects: blue or green Deployments behind one Service, or one for KServe. Pure."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from domain.datasets.specs import Spec
from domain.images.contents import HOME, PORT, STORE, USER

Manifest = dict[str, Any]
Colour = Literal["blue", "green"]
CONTAINER: Final[Manifest] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_POD: Final[Manifest] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_SCRATCH: Final = "/var/tmp"  # noqa: S108 - in the container
Label = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$")]


class KubernetesAsk(Spec):
    """How a version runs in a cluster."""

    format: Literal["deployment", "kserve"] = "deployment"
    name: Label = Field(description="Of the Service or the InferenceService.")
    namespace: Label = "default"
    colour: Colour = "blue"
    min_replicas: int = Field(default=2, ge=1, le=1_000)
    max_replicas: int = Field(default=10, ge=1, le=1_000)
    image: str | None = Field(
        default=None, pattern=r"^sha256:[0-9a-f]{64}$", description="Which of the version's; absent, the newest."
    )

    @model_validator(mode="after")
    def _can_scale(self) -> "KubernetesAsk":
        if self.max_replicas < self.min_replicas:
            raise ValueError("max_replicas is below min_replicas")
        return self


def render(ask: KubernetesAsk, *, image: str, model: str, number: int) -> list[Manifest]:
    """The objects in the order they are applied. `image` is by digest."""
    labels = {"app.kubernetes.io/name": ask.name, "app.kubernetes.io/part-of": "millrace"}
    notes = {"millrace.io/model": model, "millrace.io/version": str(number)}
    if ask.format == "kserve":
        predictor = {"minReplicas": ask.min_replicas, "maxReplicas": ask.max_replicas} | _pod(image, "kserve-container")
        meta = {"name": ask.name, "namespace": ask.namespace, "labels": labels, "annotations": notes}
        return [
            {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "metadata": meta,
                "spec": {"predictor": predictor},
            }
        ]
    coloured = labels | {"millrace.io/colour": ask.colour}
    name = f"{ask.name}-{ask.colour}"
    meta = {"name": name, "namespace": ask.namespace, "labels": coloured, "annotations": notes}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": coloured},
    }
    template = {
        "metadata": {"labels": coloured, "annotations": notes},
        "spec": _pod(image, "serving") | {"topologySpreadConstraints": [spread]},
    }
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {"selector": {"matchLabels": coloured}, "template": template},
        },
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": meta,
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": ask.min_replicas,
                "maxReplicas": ask.max_replicas,
                "metrics": [cpu],
            },
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": meta,
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": coloured}},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": ask.name, "namespace": ask.namespace, "labels": labels},
            "spec": {"selector": coloured, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    ]


def _pod(image: str, container: str) -> Manifest:
    """The model store of the image is copied to a disk that can be written: serving says there that it is alive."""
    mounts = [
        {"name": "models", "mountPath": STORE},
        {"name": "home", "mountPath": HOME},
        {"name": "scratch", "mountPath": _SCRATCH},
    ]
    small = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    copying = ["sh", "-c", f"cp -R {STORE}/. /copy/"]
    probes = {
        "startupProbe": _probe("/readyz", 2, 60),
        "readinessProbe": _probe("/readyz", 5, 2),
        "livenessProbe": _probe("/livez", 10, 3),
    }
    return {
        "securityContext": _POD,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "initContainers": [
            {
                "name": "models",
                "image": image,
                "command": copying,
                "securityContext": CONTAINER,
                "resources": small,
                "volumeMounts": [{"name": "models", "mountPath": "/copy"}],
            }
        ],
        "containers": [
            {
                "name": container,
                "image": image,
                "ports": [{"name": "http", "containerPort": PORT}],
                "env": [{"name": "TMPDIR", "value": _SCRATCH}],
                "securityContext": CONTAINER,
                "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
                "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
                "volumeMounts": mounts,
            }
            | probes
        ],
        "volumes": [{"name": name, "emptyDir": {}} for name in ("models", "home", "scratch")],
    }


def _probe(path: str, seconds: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": seconds,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }

"""A Kubernetes cluster, by its official client: apply objects, wait until they are well. Needs the extra `kubernetes`.

`millrace deploy --kubernetes` loads this module when it is asked for.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, Final

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from cli.client import ClientError

Manifest = dict[str, Any]

_MANAGER: Final = "millrace"
_LOOK_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 10.0
COLOUR: Final = "millrace.io/colour"


class Cluster:
    """One namespace of the cluster that a kubeconfig, or the pod this runs in, names."""

    def __init__(self, namespace: str, *, context: str | None = None) -> None:
        """Raises ClientError where there is no configuration."""
        api = _connected(context)
        self._namespace = namespace
        apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
        self._core, self._apps = core, apps
        self._appliers = {
            "Deployment": apps.patch_namespaced_deployment,
            "HorizontalPodAutoscaler": client.AutoscalingV2Api(api).patch_namespaced_horizontal_pod_autoscaler,
            "PodDisruptionBudget": client.PolicyV1Api(api).patch_namespaced_pod_disruption_budget,
            "Service": core.patch_namespaced_service,
        }

    def colour(self, service: str) -> str | None:
        """The colour that a Service selects now; None without the Service."""
        found = self._read(self._core.read_namespaced_service, service)
        return None if found is None else found["spec"].get("selector", {}).get(COLOUR)

    def apply(self, manifest: Manifest) -> None:
        """Server-side, as the manager `millrace`, which owns what it names."""
        self._ask(
            self._appliers[manifest["kind"]], manifest["metadata"]["name"], self._namespace, manifest,
            field_manager=_MANAGER, force=True, _content_type="application/apply-patch+yaml",
        )  # fmt: skip

    def wait_until_ready(self, deployment: str, *, seconds: float) -> int:
        """The number of pods that are ready, once all that are wanted are. Raises ClientError with what is wrong."""
        deadline = time.monotonic() + seconds
        while True:
            found = self._read(self._apps.read_namespaced_deployment, deployment) or {}
            ready = _ready(found)
            if ready:
                return ready
            stuck = next((one for one in _conditions(found) if one.get("reason") == "ProgressDeadlineExceeded"), None)
            if stuck is not None or time.monotonic() > deadline:
                late = f"did not become ready within {seconds:g} s"
                raise ClientError(
                    f"Deployment {deployment} {late if stuck is None else 'does not get on'}: {self._why(deployment)}",
                    fix="The colour that answered before still does. Mend it and deploy again.",
                )
            time.sleep(_LOOK_SECONDS)

    def _why(self, deployment: str) -> str:
        """What its pods are waiting for, and the last warnings about them."""
        pods = self._read(self._core.list_namespaced_pod)["items"]
        mine = [pod for pod in pods if pod["metadata"]["name"].startswith(f"{deployment}-")]
        reasons = []
        for pod in mine:
            status = pod.get("status", {})
            for one in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
                waiting = one.get("state", {}).get("waiting")
                if waiting:
                    reasons.append(" ".join(filter(None, (waiting.get("reason"), waiting.get("message")))))
            reasons += [one["message"] for one in status.get("conditions", []) if one.get("reason") == "Unschedulable"]
        names = {pod["metadata"]["name"] for pod in mine}
        events = self._read(self._core.list_namespaced_event, field_selector="type=Warning")["items"]
        reasons += [one["message"] for one in events if one["involvedObject"].get("name") in names][-2:]
        return "; ".join(dict.fromkeys(reasons)) or "its pods say nothing."

    def _read(self, verb: Any, *name: str, **options: Any) -> Any:
        try:
            return json.loads(self._ask(verb, *name, self._namespace, **options))
        except _Missing:
            return None

    def _ask(self, verb: Any, *arguments: Any, **options: Any) -> bytes:
        body: bytes | str
        try:
            # Plain JSON: the client's models refuse what a newer cluster says.
            response = verb(*arguments, **options, _preload_content=False, _request_timeout=_TIMEOUT_SECONDS)
        except ApiException as error:
            status, body = error.status, error.body or ""
        except HTTPError as error:
            raise ClientError(f"The cluster does not answer: {error}") from error
        else:
            status, body = response.status, response.data
        if status == 404:
            raise _Missing(f"The cluster has no such thing: {_message(body)}")
        if status >= 400:
            raise ClientError(f"The cluster refuses it ({status}): {_message(body)}")
        return body.encode() if isinstance(body, str) else body


class _Missing(ClientError):
    pass


def _connected(context: str | None) -> Any:
    """By the kubeconfig; where there is none, as a pod of the cluster."""
    files = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    try:  # the client's configuration is untyped
        if any(Path(one).is_file() for one in files.split(os.pathsep)):
            return config.new_client_from_config(config_file=files, context=context)  # type: ignore[no-untyped-call]  # not typed there
        inside = client.Configuration()
        config.load_incluster_config(client_configuration=inside)  # type: ignore[no-untyped-call]  # not typed there
    except (ConfigException, OSError) as error:
        raise ClientError(
            f"No cluster is configured: {error}", fix="Set KUBECONFIG, or name one of its contexts with --context."
        ) from error
    return client.ApiClient(inside)


def _ready(deployment: Manifest) -> int:
    """How many pods of the newest template are ready, if that is all of them; else none."""
    status = deployment.get("status", {})
    wanted = deployment.get("spec", {}).get("replicas", 1)
    counts = [status.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "availableReplicas")]
    seen = status.get("observedGeneration", 0) >= deployment.get("metadata", {}).get("generation", 1)
    return int(wanted) if seen and min(counts) >= wanted > 0 and status.get("replicas") == wanted else 0


def _conditions(deployment: Manifest) -> list[Manifest]:
    found: list[Manifest] = deployment.get("status", {}).get("conditions", [])
    return found


def _message(body: bytes | str) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return str(body)[:200]
    return str(said.get("message", said))[:500]

"""`millrace deploy`, `rollback`, `predict` and `millrace endpoints …`: what answers, and asking it."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import RenderableType

from cli.client import ClientError
from cli.completion import ENDPOINTS
from cli.documents import located, read_document
from cli.nouns.jobs import follow
from cli.nouns.monitoring import WINDOWS
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, stack, table, when

noun = Noun("Endpoints: what answers predictions.")
verbs = Noun()

EndpointArgument = Annotated[str, typer.Argument(help="Name of the endpoint.", autocompletion=ENDPOINTS)]
COLUMNS = {
    "endpoint": "name",
    "model": "model",
    "live": "live_version",
    "standby": "standby_version",
    "rollout": "rollout_id",
}


@verbs.command("deploy")
def deploy(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint; with --kubernetes, of the model.")],
    spec: Annotated[
        str, typer.Argument(help="The endpoint in YAML; - is standard input. With --kubernetes, number of the version.")
    ],
    *,
    wait: WaitOption = False,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Run the version's newest image in a cluster, beside the one before.")
    ] = False,
    service: Annotated[str | None, typer.Option(help="Name of the Service; the model's, if absent.")] = None,
    namespace: Annotated[str, typer.Option(help="Of the cluster.")] = "default",
    context: Annotated[str | None, typer.Option(help="Of the kubeconfig; the current one, if absent.")] = None,
    ready_seconds: Annotated[float, typer.Option(min=1, help="How long its pods may take to be ready.")] = 300.0,
) -> None:
    """Make an endpoint, or change how it treats requests. The model's champion answers.

    With --kubernetes: a version's image, as the other colour; the Service is switched once all its pods are ready.
    """
    if kubernetes:
        ask = {"name": service or endpoint, "namespace": namespace}
        _deploy_to_cluster(session, endpoint, _number(spec), ask, context=context, seconds=ready_seconds)
        return
    document = read_document(Path(spec))
    with located(document):
        answer = session.client.put("endpoints", endpoint, body=document.value)
    if wait and answer["rollout_id"]:
        session.wait(session.client.get("rollouts", answer["rollout_id"])["job_id"])
        answer = session.client.get("endpoints", endpoint)
    session.show(answer, draw_endpoint)


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        example = "millrace deploy MODEL 3 --kubernetes"
        raise ClientError(f"{text!r} is no number of a version.", where="spec", fix=example)
    return int(text)


def _deploy_to_cluster(
    session: Session, model: str, number: int, ask: dict[str, str], *, context: str | None, seconds: float
) -> None:
    """The other colour is applied and waited for, then the Service: what answered before goes on until then."""
    try:
        module: Any = import_module("cli.cluster")
    except ImportError as error:
        raise ClientError(
            f"The client of Kubernetes is not installed: {error}.", fix="pip install 'millrace[kubernetes]'"
        ) from error
    cluster = module.Cluster(ask["namespace"], context=context)
    before = cluster.colour(ask["name"])
    colour = "green" if before == "blue" else "blue"
    text = session.client.text("models", model, "versions", number, "kubernetes", **ask, colour=colour)
    *objects, switch = yaml.safe_load_all(text)
    for one in objects:
        cluster.apply(one)
    pods = cluster.wait_until_ready(objects[0]["metadata"]["name"], seconds=seconds)
    cluster.apply(switch)
    answer = {"service": ask["name"], "version": f"{model}@{number}", "colour": colour, "pods": pods, "before": before}
    session.show(answer, facts)


@verbs.command("rollback")
def rollback(
    session: Session,
    endpoint: EndpointArgument,
    reason: Annotated[str | None, typer.Option("-m", "--message", help="Why; it is kept.")] = None,
) -> None:
    """Let the version before answer again: it is still warm, so this is at once."""
    body = {"reason": reason} if reason else None
    session.show(session.client.post("endpoints", endpoint, "rollback", body=body), draw_endpoint)


@verbs.command("predict")
def predict(
    session: Session,
    endpoint: EndpointArgument,
    rows: Annotated[Path, typer.Argument(help='Rows in JSON: a list, or {"instances": […]}; - is standard input.')],
) -> None:
    """Ask an endpoint."""
    document = read_document(rows)
    value = document.value
    body = (
        value
        if isinstance(value, dict) and "instances" in value
        else {"instances": value if isinstance(value, list) else [value]}
    )
    with located(document):
        answer = session.client.post("/serve", endpoint, "predict", body=body)
    session.show(answer, _draw_predictions)


@noun.command("list")
def list_endpoints(session: Session, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50) -> None:
    """All endpoints and the version that answers."""
    session.show(session.client.items("endpoints", limit=limit), lambda rows: table(rows, COLUMNS))


@noun.command("show")
def show(session: Session, endpoint: EndpointArgument) -> None:
    """One endpoint: what answers, what a row must carry, and its last rollouts."""
    answer = session.client.get("endpoints", endpoint)
    rollouts = session.client.items("endpoints", endpoint, "rollouts", limit=10)
    session.show(answer | {"rollouts": rollouts}, draw_endpoint)


@noun.command("performance")
def performance(
    session: Session,
    endpoint: EndpointArgument,
    limit: Annotated[int, typer.Option(min=1, help="So many windows.")] = 20,
) -> None:
    """How good an endpoint's answers were, window by window, as far as the truth is known."""
    found = session.client.get("endpoints", endpoint, "performance", limit=limit)
    session.show(found, lambda rows: table(rows, WINDOWS, empty="No window yet."))


@noun.command("truth")
def truth(
    session: Session,
    endpoint: EndpointArgument,
    document: Annotated[
        Path, typer.Argument(metavar="TRUTH", help='JSON or YAML, {ID: VALUE} or [{"id": …, "value": …}]; - is stdin.')
    ],
) -> None:
    """Tell what was true for predictions, by their ids. Telling it twice is harmless."""
    content = read_document(document)
    value = content.value
    told = [{"id": name, "value": one} for name, one in value.items()] if isinstance(value, dict) else value
    with located(content):
        answer = session.client.post("endpoints", endpoint, "ground-truth", body={"items": told})
    session.show(answer, facts)


@noun.command("rollout")
def rollout(
    session: Session,
    endpoint: EndpointArgument,
    version: Annotated[int, typer.Argument(help="Number of a version that has passed its gates.")],
    wait: WaitOption = False,
) -> None:
    """Roll a version out: it is loaded, probed, and only then switched to."""
    job = session.client.post("endpoints", endpoint, "rollouts", body={"version": version})
    follow(session, job, wait=wait, view=facts)


@noun.command("traffic")
def traffic(
    session: Session,
    endpoint: EndpointArgument,
    since: Annotated[
        str | None, typer.Option(help="From when, as 2026-01-31T12:00:00Z; by default the last hour.")
    ] = None,
    bucket: Annotated[int | None, typer.Option(min=10, help="Seconds of a line; a multiple of 10.")] = None,
) -> None:
    """Requests per second, latency and errors of each version: every request, recorded or not."""
    session.show(
        session.client.get("endpoints", endpoint, "traffic", since=since, bucket_seconds=bucket), _draw_traffic
    )


@noun.command("monitor")
def monitor(
    session: Session,
    endpoint: EndpointArgument,
    spec: Annotated[
        Path | None, typer.Argument(help="Policy and governor in YAML; absent, those in force are shown.")
    ] = None,
) -> None:
    """Set when its windows close, what counts as drift, and when a retrain may start by itself."""
    if spec is None:
        session.show(session.client.get("endpoints", endpoint, "monitor"), facts)
        return
    document = read_document(spec)
    with located(document):
        answer = session.client.put("endpoints", endpoint, "monitor", body=document.value)
    session.show(answer, facts)


def draw_endpoint(endpoint: dict[str, Any]) -> RenderableType:
    signature = endpoint["signature"] or {"inputs": []}
    rollouts = {
        "rollout": "id",
        "version": "version",
        "state": "state",
        "reason": "reason",
        "started": at("started_at"),
    }
    return stack(
        facts(
            {
                "endpoint": endpoint["name"],
                "model": endpoint["model"],
                "live": endpoint["live_version"],
                "standby": endpoint["standby_version"],
                "rollback": "possible" if endpoint["can_roll_back"] else "nothing to go back to",
                "settings": endpoint["settings"],
                "predicts": signature.get("target"),
            }
        ),
        table(
            signature["inputs"],
            {"input": "name", "type": "type", "nullable": "nullable", "example": "example"},
            empty="No version answers yet.",
        ),
        table(endpoint["rollouts"], rollouts, empty="No rollouts yet.") if "rollouts" in endpoint else None,
    )


FIGURES = {
    "requests/s": "requests_per_second",
    "requests": "requests",
    "p50 ms": "p50_ms",
    "p95 ms": "p95_ms",
    "p99 ms": "p99_ms",
    "4xx": "refused",
    "429": "limited",
    "5xx": "failed",
}
_LINES = 20


def _draw_traffic(answer: dict[str, Any]) -> RenderableType:
    """Each version now and in all, and the last lines of the series that had requests."""
    rows = [
        {"version": one["version"] or "none", "colour": one["colour"], "role": one["role"], "over": over} | one[part]
        for one in answer["versions"]
        for part, over in (("now", "30 s"), ("total", "all"))
    ]
    heads = {name: name for name in ("version", "colour", "role", "over")}
    points = [point for point in answer["together"]["points"] if point["requests"]]
    return stack(
        facts({"counted until": when(answer["as_of"]), "reported by": f"{answer['processes']} serving processes"}),
        table(rows, heads | FIGURES, empty="No version answers yet."),
        table(points[-_LINES:], {"at": at("at"), **FIGURES}, empty="No requests in this time."),
        table(answer["together"]["errors"], {"error": "code", "status": "status", "count": "count"}, empty=""),
    )


def _draw_predictions(answer: dict[str, Any]) -> RenderableType:
    rows = zip(answer["ids"], answer["predictions"], strict=True)
    return stack(
        facts({"model version": answer["model_version"]}),
        table(rows, {"id": lambda row: row[0], "prediction": lambda row: row[1]}),
    )

"""`millrace drift`, `governor`, `backtest` and `millrace alerts …`: is the model still good, and what follows."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.completion import ENDPOINTS, names
from cli.documents import located, read_document
from cli.session import Noun, Session
from cli.tables import at, facts, number, sentence, share, stack, table

noun = Noun("Alerts.")
verbs = Noun()

IdArgument = Annotated[str, typer.Argument(help="Id of the alert.", autocompletion=names("alerts", key="id"))]
COLUMNS = {
    "id": "id",
    "about": lambda row: row["endpoint"] or row["model"],
    "kind": "kind",
    "state": "state",
    "severity": "severity",
    "why": "reason",
    "times": "occurrences",
    "opened": at("opened_at"),
    "next": "next_step",
}


def _quality(window: dict[str, Any]) -> str | None:
    found = window["performance"]
    return f"{found['metric']} {number(found['value'])} (was {number(found['reference'])})" if found else None


WINDOWS = {
    "opened": at("opened_at"),
    "closed": at("closed_at"),
    "version": "version",
    "rows": "rows",
    "verdict": "verdict",
    "drifted": lambda row: row["drift"]["drifted"] if row["drift"] else None,
    "quality": _quality,
}
FEATURES = {
    "feature": "name",
    "psi": "psi",
    "threshold": "threshold",
    "js": "js",
    "q": "q_value",
    "n": "n",
    "nulls": lambda row: share(row["null_share"]),
    "drifted": "drifted",
    "broken": "broken",
}


@verbs.command("drift")
def drift(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.", autocompletion=ENDPOINTS)],
    limit: Annotated[int, typer.Option(min=1, help="So many windows.")] = 10,
) -> None:
    """How far the newest windows of an endpoint's traffic are from what its model was trained on."""
    session.show(session.client.items("endpoints", endpoint, "drift", limit=limit), _draw_drift)


@verbs.command("governor")
def governor(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.")],
    limit: Annotated[int, typer.Option(min=1, help="So many of the last rulings.")] = 10,
) -> None:
    """Whether a retrain could start by itself now, and why; and what was decided lately."""
    session.show(session.client.get("endpoints", endpoint, "governor", limit=limit), _draw_governor)


@verbs.command("backtest")
def backtest(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.")],
    spec: Annotated[
        Path, typer.Argument(help="Policy and governor in YAML, as for `endpoints monitor`; - is standard input.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=2000, help="So many of the newest windows.")] = 500,
) -> None:
    """What other policies would have made of the windows so far: alerts, retrains, refusals. Changes nothing."""
    document = read_document(spec)
    body = {**document.value, "limit": limit} if isinstance(document.value, dict) else document.value
    with located(document):
        answer = session.client.post("endpoints", endpoint, "drift", "backtest", body=body)
    session.show(answer, _draw_backtest)


@noun.command("list")
def list_alerts(
    session: Session,
    *,
    state: Annotated[str | None, typer.Option(help="open, acknowledged or resolved.")] = None,
    kind: Annotated[str | None, typer.Option(help="drift, quality, broken_data or gate.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Of this endpoint.")] = None,
    model: Annotated[str | None, typer.Option(help="Of this model: its gates, and the endpoints it answers.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Alerts, the newest first."""
    found = session.client.items("alerts", limit=limit, state=state, kind=kind, endpoint=endpoint, model=model)
    session.show(found, lambda rows: table(rows, COLUMNS))


@noun.command("show")
def show_alert(session: Session, alert_id: IdArgument) -> None:
    """An alert with the window that showed it, and what the governor said to that."""
    session.show(session.client.get("alerts", alert_id), _draw_alert)


@noun.command("ack")
def acknowledge(
    session: Session,
    alert_id: IdArgument,
    note: Annotated[str | None, typer.Option("-m", "--message", help="What is known so far; it is kept.")] = None,
) -> None:
    """Say that somebody looks after it."""
    body = {"note": note} if note else None
    session.show(session.client.post("alerts", alert_id, "acknowledge", body=body), facts)


@noun.command("resolve")
def resolve(session: Session, alert_id: IdArgument) -> None:
    """Say that it is over."""
    session.show(session.client.post("alerts", alert_id, "resolve"), facts)


RULINGS = {
    "at": at("at"),
    "pipeline": "pipeline",
    "retrain": lambda row: "started" if row["started"] else "refused",
    "rule": "rule",
    "why": "reason",
}
PIPELINES = {
    "pipeline": "pipeline",
    "starts now": "would_start_now",
    "rule": "rule",
    "why": "reason",
    "budget left": lambda row: f"{row['budget_left']} of {row['budget']}",
    "failed gates": lambda row: f"{row['failed_gates']} of {row['max_failed_gates']}",
    "cooldown until": at("cooldown_until"),
}
SIDES = ("recorded", "present", "proposed")


def _draw_governor(answer: dict[str, Any]) -> RenderableType:
    bad = f"{answer['windows_bad']} of the last {len(answer['windows'])} windows; {answer['windows_needed']} are needed"
    return stack(
        facts({"endpoint": answer["endpoint"], "bad": bad, "broken": answer["broken_columns"]}),
        table(answer["pipelines"], PIPELINES, empty="No pipeline retrains when this endpoint drifts."),
        table(answer["rulings"], RULINGS, empty="It has not been asked yet."),
    )


def _draw_backtest(answer: dict[str, Any]) -> RenderableType:
    """The three sides beside each other, and the windows that the proposed policies see otherwise."""
    sides = {side: answer[side] for side in SIDES}
    lines: list[dict[str, Any]] = [
        {"": verdict, **{side: told["verdicts"].get(verdict, 0) for side, told in sides.items()}}
        for verdict in ("quiet", "drifted", "degraded", "broken")
    ]
    lines.append({"": "unknown", **{side: told.get("unknown", 0) for side, told in sides.items()}})
    alerts = {side: told["alerts"] for side, told in sides.items()}
    lines.append({"": "alerts", **{side: one if isinstance(one, int) else len(one) for side, one in alerts.items()}})
    lines.append({"": "retrains", **{side: told["retrains"] for side, told in sides.items()}})
    lines.append({"": "refused", **{side: told["refusals"] or None for side, told in sides.items()}})
    other = [one for one in answer["windows"] if one["proposed"] != one["present"]]
    told = {"judged": at("at"), "rows": "rows", **{side: side for side in SIDES}, "why unknown": "unknown"}
    return stack(
        *(sentence(one) for one in answer["assumptions"]),
        table(lines, {"": "", **{side: side for side in SIDES}}),
        table(other, told, empty="Every window is judged as it is now."),
    )


def _draw_alert(alert: dict[str, Any]) -> RenderableType:
    window = alert["window"]
    return stack(
        facts({name: value for name, value in alert.items() if name not in {"window", "rulings"}}),
        table([window], WINDOWS) if window else None,
        table(window["drift"]["features"], FEATURES) if window and window["drift"] else None,
        table(alert["rulings"], RULINGS, empty="The governor was not asked.") if alert["endpoint"] else None,
    )


def _draw_drift(windows: list[dict[str, Any]]) -> RenderableType:
    """The windows, and the features of the newest one whose drift is known."""
    known = [window["drift"]["features"] for window in windows if window["drift"]]
    return stack(table(windows, WINDOWS, empty="No window yet."), table(known[0], FEATURES) if known else None)

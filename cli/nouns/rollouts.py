"""`millrace rollout …`: bring a version to answer by evidence, look at the evidence, have the next word."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.completion import ENDPOINTS
from cli.documents import located, read_document
from cli.nouns.jobs import follow
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, number, stack, table, when

noun = Noun("Rollouts: a version takes over an endpoint, and is judged meanwhile.")

IdArgument = Annotated[
    str,
    typer.Argument(help="Id of the rollout, or name of the endpoint: its newest one.", autocompletion=ENDPOINTS),
]
ReasonOption = Annotated[str | None, typer.Option("-m", "--message", help="Why; it is kept.")]
STRATEGIES = ("blue_green", "canary", "shadow", "ab")
ENDED = {"switched", "retired", "rolled_back", "aborted"}
POLL_SECONDS = 0.5


@noun.command("start")
def start(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.", autocompletion=ENDPOINTS)],
    version: Annotated[int, typer.Argument(help="Number of a version that has passed its gates.")],
    *,
    strategy: Annotated[
        str | None, typer.Option(help=f"{', '.join(STRATEGIES)}; absent, as the endpoint says.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(help="Percent of the requests at each step of a canary: 5,25,50.")
    ] = None,
    spec: Annotated[Path | None, typer.Option(help="The whole strategy in YAML; - is standard input.")] = None,
    wait: WaitOption = False,
) -> None:
    """Load a version, replay real rows on it, and let it answer as the strategy says."""
    body: dict[str, Any] = {"version": version}
    if spec is not None:
        if strategy is not None or steps is not None:
            raise typer.BadParameter("A strategy is given by --spec, or by --strategy and --steps.")
        document = read_document(spec)
        with located(document):
            job = session.client.post("endpoints", endpoint, "rollouts", body=body | {"strategy": document.value})
    else:
        chosen = _strategy(strategy, steps)
        job = session.client.post(
            "endpoints", endpoint, "rollouts", body=body | ({"strategy": chosen} if chosen else {})
        )
    follow(session, job, wait=wait, view=draw_rollout)


@noun.command("list")
def list_rollouts(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.", autocompletion=ENDPOINTS)],
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """Rollouts of an endpoint, the newest first."""
    rows = session.client.items("endpoints", endpoint, "rollouts", limit=limit)
    columns = {
        "id": "id",
        "version": "version",
        "strategy": lambda row: row["strategy"]["strategy"],
        "state": "state",
        "started": at("started_at"),
        "ended": at("ended_at"),
        "reason": "reason",
    }
    session.show(rows, lambda rows: table(rows, columns))


@noun.command("show")
def show(session: Session, rollout: IdArgument) -> None:
    """How far it is, what each test says, and what happened when."""
    session.show(_find(session, rollout), draw_rollout)


@noun.command("advance")
def advance(session: Session, rollout: IdArgument, reason: ReasonOption = None) -> None:
    """On to the next step, or the switch, whatever the evidence says so far."""
    found = _find(session, rollout)
    _tell(session, found, "advance", reason, step=found["step"])


@noun.command("pause")
def pause(session: Session, rollout: IdArgument, reason: ReasonOption = None) -> None:
    """Stay at this step. A candidate that fails is rolled back all the same."""
    _tell(session, _find(session, rollout), "pause", reason)


@noun.command("resume")
def resume(session: Session, rollout: IdArgument, reason: ReasonOption = None) -> None:
    """Let a paused one be judged at its step again, and go on by itself."""
    _tell(session, _find(session, rollout), "resume", reason)


@noun.command("abort")
def abort(session: Session, rollout: IdArgument, reason: ReasonOption = None) -> None:
    """Give it up before it has switched. The version before never stopped answering."""
    _tell(session, _find(session, rollout), "abort", reason)


@noun.command("watch")
def watch(session: Session, rollout: IdArgument) -> None:
    """Follow it until it has switched or is over; exit status 1 unless it switched."""
    rollout_id = _find(session, rollout)["id"]
    told, verdict = 0, None
    while True:
        found = session.patiently("rollouts", rollout_id)
        for moment in found["history"][told:]:
            session.note(_moment(moment))
        told = len(found["history"])
        analysis = found["analysis"]
        if analysis is not None and found["state"] not in ENDED and analysis["verdict"] != verdict:
            verdict = analysis["verdict"]
            session.note(f"{when(analysis['at'])} {verdict}. {' '.join(analysis['waits_for'])}".rstrip())
        if found["state"] in ENDED:
            break
        time.sleep(POLL_SECONDS)
    session.show(found, draw_rollout)
    if found["state"] in {"rolled_back", "aborted"}:
        raise typer.Exit(1)


def draw_rollout(rollout: dict[str, Any]) -> RenderableType:
    """A rollout as a person reads it: where it stands, the findings, the history."""
    steps, analysis = rollout["steps"], rollout["analysis"]
    probe = rollout["probe"] or {}
    return stack(
        facts(
            {
                "rollout": rollout["id"],
                "endpoint": rollout["endpoint"],
                "version": f"{rollout['version']}, after {rollout['blue_version'] or 'none'}",
                "strategy": rollout["strategy"]["strategy"],
                "state": rollout["state"],
                "step": steps[rollout["step"]]["name"] if steps else None,
                "reason": rollout["reason"],
                "started": f"{when(rollout['started_at'])} by {rollout['started_by']}",
                "ended": when(rollout["ended_at"]) if rollout["ended_at"] else None,
                "labels until": when(rollout["watched_until"]) if rollout["watched_until"] else None,
                "validated on": f"{probe['rows']} {probe.get('source', 'rows')}" if "rows" in probe else None,
            }
        ),
        _draw_analysis(analysis) if analysis is not None else None,
        table(probe["failing_rows"], {"check": "check", "row": "row", "why": "why"})
        if probe.get("failing_rows")
        else None,
        table(
            rollout["history"],
            {"at": at("at"), "became": "state", "step": lambda row: row["step"] + 1, "by": "by", "reason": "reason"},
            empty="Nothing has happened yet.",
        ),
    )


def _draw_analysis(analysis: dict[str, Any]) -> RenderableType:
    asked = analysis["requests"]
    late = analysis["late"]
    findings = analysis["findings"] + ([late | {"name": "late labels"}] if late else [])
    columns: dict[str, object] = {
        "finding": "name",
        "control": lambda row: _share(row, "control"),
        "candidate": lambda row: _share(row, "candidate"),
        "verdict": "verdict",
        "evidence": lambda row: f"{number(row['e_value'])} of {number(row['fails_at'])}",
        "what was seen": "sentence",
    }
    return stack(
        facts(
            {
                "verdict": analysis["verdict"],
                "at": when(analysis["at"]),
                "requests": ", ".join(f"{name} {count}" for name, count in asked.items()),
                "waits for": " ".join(analysis["waits_for"]),
            }
        ),
        table(findings, columns, empty="Nothing is known yet."),
    )


def _share(finding: dict[str, Any], arm: str) -> str | None:
    value = finding[arm]
    return None if value is None else f"{value:.2%} of {finding[f'{arm}_of']:,}"


def _moment(moment: dict[str, Any]) -> str:
    return f"{when(moment['at'])} {moment['state']} by {moment['by']}. {moment['reason']}".rstrip()


def _strategy(name: str | None, steps: str | None) -> dict[str, Any] | None:
    if steps is None:
        return {"strategy": name} if name is not None else None
    if name not in {None, "canary"}:
        raise typer.BadParameter("Only a canary has --steps.")
    try:
        shares = [float(part) / 100 for part in steps.split(",")]
    except ValueError:
        raise typer.BadParameter(f"--steps takes percents as 5,25,50, and not {steps!r}.") from None
    return {"strategy": "canary", "steps": [{"share": share} for share in shares]}


def _find(session: Session, rollout: str) -> dict[str, Any]:
    """The rollout of this id; else the newest of the endpoint of this name."""
    try:
        found: dict[str, Any] = session.client.get("rollouts", rollout)
    except ClientError as error:
        if error.status != Status.NOT_FOUND:
            raise
        newest = session.client.items("endpoints", rollout, "rollouts", limit=1)
        if not newest:
            raise ClientError(f"Endpoint {rollout!r} has had no rollout.", where="rollout") from error
        found = newest[0]
    return found


def _tell(session: Session, found: dict[str, Any], verb: str, reason: str | None, **more: Any) -> None:
    body = more | ({"reason": reason} if reason else {})
    session.show(session.client.post("rollouts", found["id"], verb, body=body), draw_rollout)

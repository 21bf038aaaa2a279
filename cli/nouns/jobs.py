"""`millrace jobs …`: what is queued, what runs, how it went; cancel and retry."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import Status
from cli.completion import JOBS
from cli.session import ENDED, Noun, Session
from cli.tables import at, facts, sentence, share, stack, table, when

noun = Noun("Jobs: the long work.")

IdArgument = Annotated[str, typer.Argument(help="Id of the job.", autocompletion=JOBS)]
COLUMNS = {
    "id": "id",
    "kind": "kind",
    "subject": "subject",
    "state": "state",
    "done": lambda row: share(row["progress"]),
    "message": "message",
    "created": at("created_at"),
}


@noun.command("list")
def list_jobs(
    session: Session,
    state: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed or cancelled.")] = None,
    subject: Annotated[str | None, typer.Option(help="What they are about, as datasets/bikes.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Jobs, the newest first."""
    rows = session.client.items("jobs", limit=limit, state=state, subject=subject)
    session.show(rows, lambda rows: table(rows, COLUMNS))


@noun.command("show")
def show(session: Session, job_id: IdArgument) -> None:
    """One job: its state, its result or why it failed, and what its stages took."""
    session.show(session.client.get("jobs", job_id), lambda job: stack(draw_job(job), draw_usage(job["usage"])))


@noun.command("logs")
def logs(
    session: Session,
    job_id: IdArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
) -> None:
    """What a job wrote. Following ends with the job: exit status 1 unless it succeeded."""
    if follow:
        _follow_logs(session, job_id)
        return
    draw_lines(session, "jobs", job_id, "logs")


@noun.command("cancel")
def cancel(session: Session, job_id: IdArgument) -> None:
    """Stop a job: at once when it is queued, at its next breath when it runs."""
    session.show(session.client.post("jobs", job_id, "cancel"), draw_job)


@noun.command("retry")
def retry(session: Session, job_id: IdArgument) -> None:
    """Queue a failed or cancelled job again."""
    session.show(session.client.post("jobs", job_id, "retry"), draw_job)


def draw_lines(session: Session, *path: str) -> None:
    """Every line of a log, over as many pages as it has."""
    lines, after = list[Any](), 0
    while page := session.client.get(*path, after=after):
        lines += page
        after = page[-1]["seq"]
    session.show(lines, lambda lines: stack(*map(_draw_line, lines)))


def _follow_logs(session: Session, job_id: str) -> None:
    for event in session.client.follow("jobs", job_id, "events", on_break=session.note):
        if event.name == "log":
            session.show_next(event.data, _draw_line)
        elif event.data["state"] in ENDED:
            session.note(f"Job {job_id} {event.data['state']}.")
            if event.data["state"] != "succeeded":
                raise typer.Exit(Status.REFUSED)
            return


def _draw_line(line: dict[str, Any]) -> RenderableType:
    return sentence(f"{when(line['at'])} {line['line']}")


def follow(session: Session, job: dict[str, Any], *, wait: bool, view: Callable[[Any], RenderableType]) -> Any:
    """Show a job that was started; with `wait`, what it was about once it has succeeded. Returns what was shown."""
    if not wait:
        session.show(job, draw_job)
        return job
    session.wait(job["id"])
    answer = session.client.get(*job["subject"].split("/"))
    session.show(answer, view)
    return answer


def draw_job(job: dict[str, Any]) -> RenderableType:
    error = job["error"] or {}
    return facts(
        {
            "job": job["id"],
            "kind": job["kind"],
            "about": job["subject"],
            "state": job["state"],
            "done": share(job["progress"]),
            "message": job["message"],
            "attempt": f"{job['attempt']} of {job['max_attempts']}",
            "queued": f"{when(job['created_at'])} by {job['actor']}",
            "started": when(job["started_at"]),
            "ended": when(job["ended_at"]),
            "error": error.get("message"),
            "where": error.get("where"),
            "next": error.get("fix"),
            "result": job["result"],
        }
    )


def draw_usage(usage: dict[str, Any] | None) -> RenderableType:
    """What the stages of a job took, and the whole of it."""
    if usage is None:
        return sentence("Nothing has been measured yet.")
    columns: dict[str, object] = {
        "stage": "name",
        "attempt": "attempt",
        "wall s": lambda row: f"{row['wall_seconds']:.2f}",
        "CPU s": lambda row: f"{row['cpu_seconds']:.2f}",
        "peak MB": lambda row: f"{row['peak_bytes'] / 1e6:.0f}",
    }
    if usage["cost"] is not None:
        columns[f"cost {usage['currency']}".strip()] = lambda row: f"{row['cost']:.3g}"
    return table([*usage["stages"], {**usage, "name": "in all", "attempt": ""}], columns)

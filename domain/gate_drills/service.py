"""Verbs of gate drills: order one, record what it found, and order them by themselves."""

from datetime import timedelta

from domain.db import WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.experiments.models import Run
from domain.gate_drills.events import GateDrillScheduled, GatesDrilled
from domain.gate_drills.jobs import DrillGates
from domain.gate_drills.models import GateDrill, GateDrillSchedule
from domain.gate_drills.queries import drill_in_flight, due_schedules, get_drill
from domain.gate_drills.specs import DrillResult
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.queries import find_by_key
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import alias_of, get_model, newest_version
from domain.training.imports import TRAINER


class NothingToDrill(Conflict):
    """There is no version whose training could be done again."""

    code = "nothing_to_drill"


class DrillInFlight(Conflict):
    code = "drill_in_flight"


def request(session: WriteSession, *, model: str, key: str | None = None) -> tuple[GateDrill, Job]:
    """Queue a drill of the policy as it is now. The base is the champion, else the newest version."""
    home = get_model(session, model, lock=True)
    standing = find_by_key(session, key)
    if standing is not None and "drill_id" in standing.payload:
        return get_drill(session, standing.payload["drill_id"]), standing
    base = _base(session, home)
    running = drill_in_flight(session, home.id)
    if running is not None:
        raise DrillInFlight(
            f"The gates of {home.name!r} are being drilled already.",
            where="name",
            fix=f"Wait for the job {running.job_id}, or cancel it.",
        )
    drill_id = new_id()
    job = jobs.submit(session, DrillGates(drill_id=drill_id), subject=subject_of(drill_id), key=key)
    drill = GateDrill(
        id=drill_id,
        model_id=home.id,
        version_id=base.id,
        job_id=job.id,
        policy_version=home.policy_version,
        policy=home.policy,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(drill)
    session.flush()
    return drill, job


def record(session: WriteSession, *, drill_id: str, result: DrillResult) -> GateDrill:
    """Keep what the job found, once."""
    drill = get_drill(session, drill_id, lock=True)
    if drill.result is not None:  # the job died after recording
        return drill
    drill.result = result.as_json()
    drill.got_through = len(result.through())
    drill.ended_at = session.now()
    emit(
        session,
        GatesDrilled(
            subject=subject_of(drill_id),
            model=session.get_one(RegisteredModel, drill.model_id).name,
            model_id=drill.model_id,
            drill_id=drill_id,
            mutants=result.sent(),
            got_through=result.through(),
        ),
    )
    return drill


def set_schedule(session: WriteSession, *, model: str, every_days: int | None) -> GateDrillSchedule | None:
    """Drill the gates of `model` every so many days, the first time now; never, when None."""
    home = get_model(session, model, lock=True)
    schedule = session.get(GateDrillSchedule, home.id)
    if every_days is None:
        if schedule is not None:
            session.delete(schedule)
    elif schedule is None:
        schedule = GateDrillSchedule(model_id=home.id, every_days=every_days, due_at=session.now())
        session.add(schedule)
    elif schedule.every_days != every_days:
        schedule.due_at += timedelta(days=every_days - schedule.every_days)
        schedule.every_days = every_days
    emit(session, GateDrillScheduled(subject=f"models/{model}", model=model, every_days=every_days or 0))
    return None if every_days is None else schedule


def order_due(session: WriteSession) -> list[str]:
    """Order the drills that are due; one that cannot be had now is due again after its days."""
    ordered = []
    now = session.now()
    for schedule in due_schedules(session, now):
        schedule.due_at = now + timedelta(days=schedule.every_days)
        home = session.get_one(RegisteredModel, schedule.model_id)
        try:
            drill, _ = request(session, model=home.name)
        except (NothingToDrill, DrillInFlight):
            continue
        ordered.append(drill.id)
    return ordered


def subject_of(drill_id: str) -> str:
    return f"gate-drills/{drill_id}"


def _base(session: WriteSession, model: RegisteredModel) -> ModelVersion:
    base = alias_of(session, model, "champion") or newest_version(session, model)
    if base is None:
        raise NothingToDrill(f"{model.name!r} has no version yet.", where="name", fix="Train one.")
    if session.get_one(Run, base.run_id).trainer == TRAINER:
        raise NothingToDrill(
            f"Version {base.number} of {model.name!r} was trained elsewhere, so its mutants cannot be trained here.",
            where="name",
            fix="Promote or train a version here.",
        )
    return base

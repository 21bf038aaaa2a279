"""Eyeballs: look at a version's answers to real rows, and say what is the matter with a row."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps import ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.routers.models import Number
from api.schemas.eyeballs import EyeballRead, NoteRead, NoteWrite, ShownRow
from api.schemas.jobs import JobRead
from domain.db import AnySession
from domain.eyeballs import queries, service
from domain.eyeballs.models import Eyeball
from domain.eyeballs.specs import EyeballAsk, Pick, RowKind, SeenRow
from domain.pins.queries import standing
from domain.registry import queries as registry
from domain.registry.models import ModelVersion, RegisteredModel

router = APIRouter(tags=["eyeballs"], route_class=DocumentRoute)
Row = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="The row's name, as eyeballs show it.")]


def _read(session: AnySession, eyeball: Eyeball) -> EyeballRead:
    version = session.get_one(ModelVersion, eyeball.version_id)
    other = session.get(ModelVersion, eyeball.against_version_id) if eyeball.against_version_id else None
    pick = Pick.model_validate(eyeball.pick) if eyeball.pick else None
    return EyeballRead(
        id=eyeball.id,
        model=session.get_one(RegisteredModel, version.model_id).name,
        version=version.number,
        against_version=other.number if other else None,
        question=EyeballAsk.model_validate(eyeball.question),
        job_id=eyeball.job_id,
        asked_at=eyeball.asked_at,
        asked_by=eyeball.asked_by,
        rows=pick.rows if pick else None,
        mistakes=pick.mistakes if pick else None,
        disagreements=pick.disagreements if pick else None,
        kinds=_shown(session, version.model_id, pick) if pick else None,
        notes=pick.notes if pick else [],
    )


def _shown(session: AnySession, model_id: str, pick: Pick) -> dict[RowKind, list[ShownRow]]:
    notes = queries.notes_on(session, model_id, {row.row for rows in pick.kinds.values() for row in rows})
    pins = standing(session, model_id)

    def shown(row: SeenRow) -> ShownRow:
        note = notes.get(row.row)
        held = next((pin.id for pin in pins if pin.instance == row.instance), None)
        return ShownRow(**row.model_dump(), note=NoteRead.model_validate(note) if note else None, pin_id=held)

    return {kind: [shown(row) for row in rows] for kind, rows in pick.kinds.items()}


@router.post("/models/{name}/versions/{number}/eyeballs", status_code=202)
def create_eyeball(
    name: str, number: Number, body: EyeballAsk, session: WriteDep, response: Response, _: Writer
) -> JobRead:
    """Ask for rows to look at. The job picks them; its subject is where they will be.

    The same question about the same rows and versions is answered once.
    """
    _eyeball, job = service.ask(session, version=registry.get_version(session, name, number), question=body)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/models/{name}/versions/{number}/eyeball")
def get_newest_eyeball(name: str, number: Number, session: ReadDep, _: Reader) -> EyeballRead:
    """The rows of this version that were picked last; 404 when nobody has asked yet."""
    version = registry.get_version(session, name, number)
    return _read(session, queries.newest_eyeball(session, version.id))


@router.get("/eyeballs/{eyeball_id}")
def get_eyeball(eyeball_id: str, session: ReadDep, _: Reader) -> EyeballRead:
    """The rows that one question brought, with notes and pins as they are now."""
    return _read(session, queries.get_eyeball(session, eyeball_id))


@router.put("/models/{name}/rows/{row}/note")
def put_row_note(name: str, row: Row, body: NoteWrite, session: WriteDep, _: Writer) -> NoteRead:
    """Say what is the matter with a row; written again, the later note counts."""
    model = registry.get_model(session, name, lock=True)
    note = service.note(session, model=model, row=row, finding=body.finding, text=body.text)
    return NoteRead.model_validate(note)

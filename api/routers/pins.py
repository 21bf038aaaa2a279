"""Pins: make a mistake a test of the model, look at the tests, take one back."""

from fastapi import APIRouter, Response

from api.deps import PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.routers.models import Number
from api.schemas.pages import PageRead
from api.schemas.pins import PinCreate, PinRead, PinRemove
from domain.db import AnySession
from domain.pins import queries, service
from domain.pins.models import ModelPin
from domain.registry import queries as registry
from domain.registry.models import ModelVersion, RegisteredModel

router = APIRouter(tags=["pins"], route_class=DocumentRoute)


def _read(session: AnySession, row: ModelPin) -> PinRead:
    seen_at = session.get(ModelVersion, row.version_id) if row.version_id else None
    computed = {
        "model": session.get_one(RegisteredModel, row.model_id).name,
        "seen_at_version": seen_at.number if seen_at else None,
        "expect": row.expect["value"],
        "answered": row.answered["value"] if row.answered else None,
    }
    plain = {name: getattr(row, name) for name in PinRead.model_fields if name not in computed}
    return PinRead.model_validate({**plain, **computed})


@router.post("/models/{name}/versions/{number}/pins", status_code=201)
def create_pin(name: str, number: Number, body: PinCreate, session: WriteDep, response: Response, _: Writer) -> PinRead:
    """Pin a row that this version got wrong: every later version must get it right. 200 when it is pinned already."""
    version = registry.get_version(session, name, number)
    pin, made = service.pin_row(session, version=version, **body.model_dump())
    response.status_code = 201 if made else 200
    return _read(session, pin)


@router.get("/models/{name}/pins")
def list_pins(name: str, session: ReadDep, page: PageDep, _: Reader, standing: bool = True) -> PageRead[PinRead]:
    """The pinned rows of a model, newest first; with `standing=false` those taken back as well."""
    model = registry.get_model(session, name)
    found = queries.list_pins(session, page, model_id=model.id, standing_only=standing)
    return PageRead[PinRead].of(found, lambda row: _read(session, row))


@router.get("/pins/{pin_id}")
def get_pin(pin_id: str, session: ReadDep, _: Reader) -> PinRead:
    """One pin, whether it stands or was taken back."""
    return _read(session, queries.get_pin(session, pin_id))


@router.post("/pins/{pin_id}/unpin")
def unpin(pin_id: str, body: PinRemove, session: WriteDep, _: Writer) -> PinRead:
    """Take a pin back, with the reason; both stay in the audit trail."""
    return _read(session, service.unpin(session, pin_id=pin_id, reason=body.reason))

"""Model cards: one, its history, and several side by side."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import PlainTextResponse, Response

from api.cards import as_markdown
from api.deps import ReadDep, Reader
from api.routers.models import Number
from domain.datasets.spec import NAME_PATTERN
from domain.errors import Invalid
from domain.model_cards import queries
from domain.model_cards.side_by_side import side_by_side
from domain.model_cards.specs import HistoryEntry, ModelCard, SideBySide
from domain.registry.queries import get_model, get_version, resolve_versions

router = APIRouter(prefix="/models", tags=["model_cards"])

_REF = re.compile(rf"({NAME_PATTERN[1:-1]}@)?[1-9][0-9]{{0,8}}")
_MOST = 20


class BadVersions(Invalid):
    """`versions` is not a list of two to twenty versions."""

    code = "bad_versions"


@router.get(
    "/{name}/versions/{number}/card",
    response_model=ModelCard,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
def get_model_card(
    name: str,
    number: Number,
    session: ReadDep,
    _: Reader,
    format: Annotated[Literal["json", "markdown"] | None, Query()] = None,  # noqa: A002  # its name for clients
    accept: Annotated[str, Header()] = "",
) -> ModelCard | Response:
    """What is known of a version; as Markdown with `format=markdown` or `Accept: text/markdown`."""
    card = queries.card_of(session, get_model(session, name), get_version(session, name, number))
    wanted = format or ("markdown" if "text/markdown" in accept else "json")
    return PlainTextResponse(as_markdown(card), media_type="text/markdown") if wanted == "markdown" else card


@router.get("/{name}/versions/{number}/history")
def get_model_version_history(
    name: str, number: Number, session: ReadDep, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[HistoryEntry]:
    """What happened to a version and who did it, the newest first."""
    return queries.history_of(session, get_model(session, name), get_version(session, name, number), limit=limit)


@router.get("/{name}/compare")
def compare_model_versions(
    name: str,
    session: ReadDep,
    _: Reader,
    versions: Annotated[str, Query(max_length=3000, description="Two to twenty: `1,2,other@3`.")],
) -> SideBySide:
    """Versions side by side, those of other models as `model@n`: metrics, what differs of their training, checks."""
    model = get_model(session, name)
    refs = [one.strip() for one in versions.split(",")]
    bad = next((one for one in refs if not _REF.fullmatch(one)), None)
    fix = "Write numbers, or model@n for versions of other models: 1,2,other@3."
    if bad is not None:
        raise BadVersions(f"{bad[:80]!r} is not a version.", where="versions", fix=fix)
    if not 2 <= len(refs) <= _MOST or len(set(refs)) < len(refs):
        raise BadVersions(f"Give 2 to {_MOST} different versions, not {len(refs)}.", where="versions", fix=fix)
    found = resolve_versions(session, model, [one if "@" in one else int(one) for one in refs])
    return side_by_side([queries.card_of(session, home, version) for home, version in found])

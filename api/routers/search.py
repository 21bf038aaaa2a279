"""Find something by its name, or by a piece of its id: what a command palette asks."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import ReadDep, Reader
from api.schemas.search import SearchHit, SearchRead
from domain.search import queries

router = APIRouter(tags=["search"])


@router.get("/search")
def search(
    session: ReadDep,
    _: Reader,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=100,
            pattern=r"^[^\x00]*[^\x00\s][^\x00]*$",
            description="Part of a name; or at least four characters of how an id begins or ends.",
            examples=["bikes"],
        ),
    ],
) -> SearchRead:
    """Datasets, models, endpoints, experiments, pipelines and repositories by name; runs and promotions by id."""
    return SearchRead(q=q, hits=[SearchHit.model_validate(hit) for hit in queries.search(session, q.strip())])

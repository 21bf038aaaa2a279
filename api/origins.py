"""What a page of another origin asks the browser for does not count as asked by its person."""

from typing import Final

from fastapi import Request

from domain.access.origins import is_same_origin
from domain.errors import Forbidden

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOrigin(Forbidden):
    """A change that a page of another origin asked the browser for: the cookie does not speak for its person."""

    code = "cross_origin"


def refuse_cross_origin(request: Request) -> None:
    """For requests by cookie: only pages of this origin change anything with it."""
    if request.method in _READING:
        return
    said = request.headers.get
    if not is_same_origin(fetch_site=said("sec-fetch-site"), origin=said("origin"), host=said("host")):
        raise CrossOrigin(
            "With the dashboard's cookie, only its own pages may send this.",
            where="origin",
            fix="Programs send a token: `Authorization: Bearer TOKEN`, or MLFLOW_TRACKING_TOKEN for MLflow's client.",
        )

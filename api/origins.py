"""What a page of another origin asks the browser for does not count as asked by its person."""

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from domain.errors import Forbidden

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOrigin(Forbidden):
    """A change that a page of another origin asked the browser for: the cookie does not speak for its person."""

    code = "cross_origin"


def refuse_cross_origin(request: Request) -> None:
    """For requests by cookie: only pages of this origin change anything with it.

    `SameSite` is not enough: another port of the same machine is another origin of the same site.
    """
    if request.method in _READING:
        return
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", ""))
    if not (site == "same-origin" if site else origin.netloc == request.headers.get("host")):
        raise CrossOrigin(
            "With the dashboard's cookie, only its own pages may send this.",
            where="origin",
            fix="Programs send a token: `Authorization: Bearer TOKEN`, or MLFLOW_TRACKING_TOKEN for MLflow's client.",
        )

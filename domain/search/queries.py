"""`search`: a few hits for a command palette, the closest first."""

import re
from typing import Any, NamedTuple

from sqlalchemy import case, func, select

from domain.datasets.models import Dataset
from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.experiments.models import Experiment, Run
from domain.pipelines.models import Pipeline
from domain.promotions.models import Promotion
from domain.registry.models import RegisteredModel
from domain.repositories.models import Repository

MOST_HITS = 20
_OF_A_KIND = 8
_ID = re.compile(r"[0-9a-f-]{4,36}")


class Hit(NamedTuple):
    """`path` is below `/api/v1/`; `detail` says more about what it is, where the name alone does not."""

    kind: str
    name: str
    path: str
    detail: str


# The nouns that have a name, in the order in which equally good hits are shown.
_NAMED: list[tuple[str, Any, str]] = [
    ("dataset", Dataset, "datasets"),
    ("model", RegisteredModel, "models"),
    ("endpoint", Endpoint, "endpoints"),
    ("experiment", Experiment, "experiments"),
    ("pipeline", Pipeline, "pipelines"),
    ("repository", Repository, "repositories"),
]


def search(session: AnySession, text: str) -> list[Hit]:
    """At most `MOST_HITS`: first what is called exactly so, then what begins with it, then what has it inside.

    Runs and promotions are found by how their ids begin or end, from four characters on.
    """
    ranked = [hit for kind, table, folder in _NAMED for hit in _named(session, text, kind, table, folder)]
    if _ID.fullmatch(text.lower()):
        ranked += _by_id(session, text.lower())
    return [hit for _, hit in sorted(ranked, key=lambda one: one[0])][:MOST_HITS]


def _named(session: AnySession, text: str, kind: str, table: Any, folder: str) -> list[tuple[int, Hit]]:
    low = func.lower(table.name)
    rank = case((low == text.lower(), 0), (low.startswith(text.lower(), autoescape=True), 1), else_=2)
    query = select(table.name, rank).where(low.contains(text.lower(), autoescape=True))
    if table is Dataset:
        query = query.where(Dataset.archived_at.is_(None))
    found = session.execute(query.order_by(rank, table.name).limit(_OF_A_KIND))
    return [(place, Hit(kind, name, f"{folder}/{name}", "")) for name, place in found]


def _by_id(session: AnySession, text: str) -> list[tuple[int, Hit]]:
    runs = select(Run.id, Experiment.name, Run.state).join(Experiment, Run.experiment_id == Experiment.id)
    runs = runs.where(Run.id.startswith(text) | Run.id.endswith(text)).order_by(Run.id.desc()).limit(_OF_A_KIND)
    asked = select(Promotion.id, RegisteredModel.name, Promotion.state)
    asked = asked.join(RegisteredModel, Promotion.model_id == RegisteredModel.id)
    asked = asked.where(Promotion.id.startswith(text) | Promotion.id.endswith(text))
    asked = asked.order_by(Promotion.id.desc()).limit(_OF_A_KIND)
    return [
        (0 if row_id == text else 1, Hit(kind, row_id, f"{kind}s/{row_id}", f"of {name}, {state}"))
        for kind, query in (("run", runs), ("promotion", asked))
        for row_id, name, state in session.execute(query)
    ]

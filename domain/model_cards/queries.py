"""Reads of cards and histories: gathers the rows, and leaves the rest to `assembly`."""

from collections.abc import Iterator

from sqlalchemy import select

from domain.data_checks.models import DataCheckReport
from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.events.models import EventRow
from domain.model_cards.assembly import Facts, assemble
from domain.model_cards.specs import CardData, HistoryEntry, ModelCard
from domain.model_checks.queries import latest_report
from domain.promotions.models import Promotion
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import aliases_of, origin_of

_OF_VERSION = {
    "ModelVersionCreated": "registered",
    "ModelVersionChecked": "checked",
    "ModelChecksFailed": "not checked",
    "ModelVersionChanged": "described",
    "ModelVersionArchived": "archived",
    "VersionRemovedOutside": "removed in MLflow",
}
_OF_PROMOTION = {
    "PromotionRequested": "promotion requested",
    "PromotionDecided": "promotion decided",
    "PromotionApproved": "promotion approved",
    "PromotionRejected": "promotion rejected",
    "PromotionNotApplied": "promotion not applied",
    "PromotionApplied": "promotion applied",
}
_OF_ENDPOINT = {
    "RolloutStarted": "rollout started",
    "RolloutFinished": "rolled out",
    "RolloutAborted": "rollout aborted",
    "RolledBack": "rolled back to",
}


def card_of(session: AnySession, model: RegisteredModel, version: ModelVersion) -> ModelCard:
    """The card of a version as of now."""
    origin = origin_of(session, version)
    run, data = origin.run, origin.data
    verdict = session.scalar(
        select(DataCheckReport.verdict)
        .where(DataCheckReport.version_id == data.id)
        .order_by(DataCheckReport.id.desc())
        .limit(1)
    )
    return assemble(
        Facts(
            model=model,
            version=version,
            aliases=[alias for alias, number in aliases_of(session, model).items() if number == version.number],
            run=run,
            experiment=origin.experiment.name,
            data=CardData(
                dataset=f"{data.dataset.name}@{data.number}",
                digest=run.dataset_digest,
                rows=data.rows,
                state=data.state,
                verdict=verdict,
            ),
            report=latest_report(session, version.id),
            promotions=_promotions(session, version),
        )
    )


def history_of(session: AnySession, model: RegisteredModel, version: ModelVersion, *, limit: int) -> list[HistoryEntry]:
    """What happened to a version, newest first, as the events tell it."""
    subject = f"models/{model.name}"
    endpoints = session.scalars(select(Endpoint.name).where(Endpoint.model_id == model.id))
    sources = [
        (f"{subject}/versions/{version.number}", list(_OF_VERSION)),
        (subject, ["AliasMoved"]),
        *((f"promotions/{promotion.id}", list(_OF_PROMOTION)) for promotion in _promotions(session, version)),
        *((f"endpoints/{name}", list(_OF_ENDPOINT)) for name in endpoints),
    ]
    rows = [row for where, types in sources for row in _events(session, where, types, limit)]
    rows.sort(key=lambda row: row.seq, reverse=True)
    entries = [entry for row in rows for entry in _entries(row, version.number)]
    return entries[:limit]


def _promotions(session: AnySession, version: ModelVersion) -> list[Promotion]:
    query = select(Promotion).where(Promotion.version_id == version.id).order_by(Promotion.id.desc())
    return list(session.scalars(query.limit(50)))


def _events(session: AnySession, subject: str, types: list[str], limit: int) -> list[EventRow]:
    query = select(EventRow).where(EventRow.subject == subject, EventRow.type.in_(types))
    return list(session.scalars(query.order_by(EventRow.seq.desc()).limit(limit)))


def _entries(row: EventRow, number: int) -> Iterator[HistoryEntry]:
    """What an event says about version `number`; nothing when it is about another one."""
    told = row.payload
    detail = " ".join(str(told[name]) for name in ("verdict", "reason") if told.get(name))
    if row.type == "AliasMoved":
        if told["number"] == number:
            detail = f"{told['alias']}, before it version {told['previous']}" if told["previous"] else told["alias"]
            yield HistoryEntry(at=row.at, what="alias gained", who=row.actor, detail=detail)
        elif told["previous"] == number:
            detail = f"{told['alias']}, to version {told['number']}"
            yield HistoryEntry(at=row.at, what="alias lost", who=row.actor, detail=detail)
    elif row.type in _OF_ENDPOINT:
        named = f"{told['endpoint']}: {detail}" if detail else told["endpoint"]
        if told.get("version") == number or told.get("to_version") == number:
            yield HistoryEntry(at=row.at, what=_OF_ENDPOINT[row.type], who=row.actor, detail=named)
        elif told.get("from_version") == number:
            yield HistoryEntry(at=row.at, what="rolled back from", who=row.actor, detail=named)
    else:
        what = (_OF_VERSION | _OF_PROMOTION)[row.type]
        yield HistoryEntry(at=row.at, what=what, who=row.actor, detail=detail or ", ".join(told.get("fields", [])))

"""Webhooks: who is told of events, and each time that somebody was. For admins: URLs and bodies may be secret."""

from fastapi import APIRouter, Response

from adapters.runtime import Runtime
from api.deps import Admin, IfMatch, PageDep, ReadDep, RuntimeDep, WriteDep, check_if_match
from api.documents import DocumentRoute
from api.schemas.pages import PageRead
from api.schemas.webhooks import (
    WebhookCreate,
    WebhookCreated,
    WebhookDeliveryDetail,
    WebhookDeliveryRead,
    WebhookRead,
    WebhookUpdate,
)
from domain.webhooks import queries, service
from domain.webhooks.addresses import refuse_literal
from domain.webhooks.states import DeliveryState

router = APIRouter(tags=["webhooks"], route_class=DocumentRoute)


@router.post("/webhooks", status_code=201)
def create_webhook(
    body: WebhookCreate, runtime: RuntimeDep, session: WriteDep, response: Response, _: Admin
) -> WebhookCreated:
    """Tell a server of events from now on. The answer has the secret that signs them, this once."""
    _refuse(runtime, body.url)
    webhook, secret = service.create(session, **body.model_dump())
    response.headers["Location"] = f"/api/v1/webhooks/{webhook.name}"
    return WebhookCreated.with_secret(webhook, secret)


@router.get("/webhooks")
def list_webhooks(session: ReadDep, page: PageDep, _: Admin) -> PageRead[WebhookRead]:
    """Webhooks without their secrets, newest first."""
    return PageRead[WebhookRead].of(queries.list_webhooks(session, page), WebhookRead.model_validate)


@router.get("/webhooks/{name}")
def get_webhook(name: str, session: ReadDep, response: Response, _: Admin) -> WebhookRead:
    """One webhook, without its secret."""
    return _tagged(response, WebhookRead.model_validate(queries.get_webhook(session, name)))


@router.patch("/webhooks/{name}")
def update_webhook(
    *,
    name: str,
    body: WebhookUpdate,
    runtime: RuntimeDep,
    session: WriteDep,
    response: Response,
    _: Admin,
    if_match: IfMatch = None,
) -> WebhookRead:
    """Tell it other events, tell somebody else, or turn it on or off. What is left out stays as it is."""
    webhook = queries.get_webhook(session, name, lock=True)
    check_if_match(if_match, webhook.revision, what=f"The webhook {name!r}")
    changes = body.changes()
    if "url" in changes:
        _refuse(runtime, changes["url"])
    changed = service.change(session, webhook=webhook, changes=changes)
    return _tagged(response, WebhookRead.model_validate(changed))


@router.delete("/webhooks/{name}", status_code=204)
def delete_webhook(name: str, session: WriteDep, _: Admin) -> None:
    """Forget it and its deliveries. What is under way is not sent any more."""
    service.remove(session, name=name)


@router.post("/webhooks/{name}/secret", status_code=201)
def renew_webhook_secret(name: str, session: WriteDep, _: Admin) -> WebhookCreated:
    """Another secret, in this answer and nowhere else. It signs every attempt from now on."""
    return WebhookCreated.with_secret(*service.renew_secret(session, name=name))


@router.post("/webhooks/{name}/test", status_code=202)
def send_test_delivery(name: str, session: WriteDep, response: Response, _: Admin) -> WebhookDeliveryRead:
    """Send an event of the type `WebhookTest`, whether the webhook is on or off."""
    delivery = service.send_test(session, name=name)
    response.headers["Location"] = f"/api/v1/webhook-deliveries/{delivery.id}"
    return WebhookDeliveryRead.model_validate(delivery)


@router.get("/webhooks/{name}/deliveries")
def list_webhook_deliveries(
    name: str, session: ReadDep, page: PageDep, _: Admin, state: DeliveryState | None = None
) -> PageRead[WebhookDeliveryRead]:
    """What was sent in the last thirty days and what the receiver answered, newest first."""
    found = queries.list_deliveries(session, queries.get_webhook(session, name), page, state=state)
    return PageRead[WebhookDeliveryRead].of(found, WebhookDeliveryRead.model_validate)


@router.get("/webhook-deliveries/{delivery_id}")
def get_webhook_delivery(delivery_id: str, session: ReadDep, _: Admin) -> WebhookDeliveryDetail:
    """One delivery with its body."""
    return WebhookDeliveryDetail.of(queries.get_delivery(session, delivery_id, whole=True))


@router.post("/webhook-deliveries/{delivery_id}/redeliver", status_code=202)
def redeliver_webhook(delivery_id: str, session: WriteDep, _: Admin) -> WebhookDeliveryRead:
    """Send the same again under the same id, whether the webhook is on or off. 409 while it is still being tried."""
    return WebhookDeliveryRead.model_validate(service.redeliver(session, delivery_id=delivery_id))


def _refuse(runtime: Runtime, url: str) -> None:
    refuse_literal(url, private=runtime.settings.webhooks_private)


def _tagged(response: Response, webhook: WebhookRead) -> WebhookRead:
    response.headers["ETag"] = f'"{webhook.revision}"'
    return webhook

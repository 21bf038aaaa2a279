"""Verbs of images: order one, record what was pushed."""

from domain.db import WriteSession, new_id
from domain.events.service import emit
from domain.images.events import ImagePushed
from domain.images.jobs import PushImage
from domain.images.models import VersionImage
from domain.images.queries import get_image
from domain.images.references import parse_reference, parse_target
from domain.images.specs import ImageAsk, PushedImage
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.registry.models import ModelVersion, RegisteredModel


def order(
    session: WriteSession, *, version: ModelVersion, ask: ImageAsk, base: str, key: str | None = None
) -> tuple[VersionImage, Job]:
    """Queue the push of a version. `base` counts where the ask names none. Raises BadReference."""
    target = parse_target(ask.to, where="to")
    chosen = parse_reference(ask.base or base, where="base")
    image_id = new_id()
    model = session.get_one(RegisteredModel, version.model_id)
    subject = f"models/{model.name}/versions/{version.number}"
    job = jobs.submit(session, PushImage(image_id=image_id), subject=subject, key=key)
    if job.payload["image_id"] != image_id:  # the same request was made before, under the same key
        return get_image(session, job.payload["image_id"]), job
    image = VersionImage(
        id=image_id,
        version_id=version.id,
        job_id=job.id,
        target=str(target),
        base=str(chosen),
        platform=ask.platform,
        endpoint=ask.endpoint or model.name,
        pushed=None,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(image)
    session.flush()
    return image, job


def record(session: WriteSession, *, image_id: str, pushed: PushedImage) -> VersionImage:
    """Keep what the job pushed, once."""
    image = get_image(session, image_id, lock=True)
    if image.pushed is not None:  # the job died after recording
        return image
    image.pushed, image.pushed_at = pushed.as_json(), session.now()
    version = session.get_one(ModelVersion, image.version_id)
    model = session.get_one(RegisteredModel, version.model_id)
    emit(
        session,
        ImagePushed(
            subject=f"models/{model.name}/versions/{version.number}",
            model=model.name,
            number=version.number,
            image_id=image_id,
            reference=pushed.reference,
        ),
    )
    return image

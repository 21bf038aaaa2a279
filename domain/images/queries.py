"""Reads of images."""

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import Conflict, NotFound
from domain.images.models import VersionImage
from domain.images.specs import PushedImage
from domain.pages import Page, PageRequest, paginate


class UnknownImage(NotFound):
    code = "unknown_image"


class NoImage(Conflict):
    """The version has not been pushed as an image yet."""

    code = "no_image"


def get_image(session: AnySession, image_id: str, *, lock: bool = False) -> VersionImage:
    query = select(VersionImage).where(VersionImage.id == image_id)
    found = session.scalar(locked(query) if lock else query)
    if found is None:
        raise UnknownImage(f"There is no image {image_id!r}.", where="image_id")
    return found


def list_images(session: AnySession, version_id: str, page: PageRequest) -> Page[VersionImage]:
    """Those that were asked for of a version, newest first."""
    query = select(VersionImage).where(VersionImage.version_id == version_id)
    return paginate(session, query, page, key=VersionImage.id)


def pushed_image(session: AnySession, version_id: str, *, digest: str | None = None) -> PushedImage:
    """The version's image with the digest; without one, that ordered last. Raises NoImage, UnknownImage."""
    query = select(VersionImage).where(VersionImage.version_id == version_id, VersionImage.pushed_at.is_not(None))
    rows = session.scalars(query.order_by(VersionImage.id.desc()))
    there = [PushedImage.model_validate(row.pushed) for row in rows]
    if not there:
        raise NoImage(
            "The version has no image in a registry yet.", where="number", fix="Push one: POST …/versions/{n}/image."
        )
    if digest is None:
        return there[0]
    found = next((image for image in there if image.digest == digest), None)
    if found is None:
        raise UnknownImage(f"The version has no image {digest}.", where="image", fix="GET …/images shows those it has.")
    return found

"""What happens to images. The subject is `models/{name}/versions/{number}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class ImagePushed(Event):
    """A version was pushed to a registry as an image."""

    model: str
    number: int
    image_id: str
    reference: str

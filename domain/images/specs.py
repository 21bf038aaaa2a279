"""Images as plain values: what is asked for, and what a push came to."""

from typing import Any

from pydantic import Field

from domain.datasets.specs import Name, Spec

PLATFORM = r"^[a-z0-9]{1,20}/[a-z0-9]{1,20}(/[a-z0-9]{1,20})?$"


class ImageAsk(Spec):
    """Where the image goes, and the serving image that it stands on."""

    to: str = Field(max_length=300, description="HOST/REPOSITORY:TAG")
    base: str | None = Field(
        default=None, max_length=400, description="HOST/REPOSITORY:TAG or @sha256:…; absent, that of the settings."
    )
    platform: str = Field(default="linux/amd64", pattern=PLATFORM, description="Which one of a base that is many.")
    endpoint: Name | None = Field(
        default=None, description="It answers at /serve/{endpoint}; absent, the model's name."
    )


class PushedImage(Spec):
    """What a registry holds now. `reference` names it by digest: it never means anything else."""

    reference: str
    digest: str
    base: str = Field(description="The base by digest.")
    layer_digest: str
    layer_bytes: int
    image_bytes: int = Field(description="All layers, compressed.")
    manifest: dict[str, Any]

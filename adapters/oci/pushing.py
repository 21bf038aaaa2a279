"""The whole walk of an image: read the base, bring its layers over, add one, name the result."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from adapters.oci.access import RegistryAccess
from adapters.oci.assembly import Base, Descriptor, assemble, choose_platform, config_of, digest_of, read_base
from adapters.oci.layers import Layer
from adapters.oci.registry import Registry
from domain.images.references import ImageReference
from domain.images.specs import PushedImage


@dataclass(frozen=True)
class Additions:
    """What our image says beside its base."""

    created: str
    environment: Mapping[str, str]
    command: Sequence[str]
    user: str
    port: int


def push(
    layer: Layer,
    *,
    base: ImageReference,
    to: ImageReference,
    platform: str,
    adding: Additions,
    labels: Callable[[str], Mapping[str, str]],
    access: RegistryAccess,
    scratch: Path,
    progress: Callable[[float, str], None],
) -> PushedImage:
    """Push the layer on the base. `labels` are asked for with the base by digest. Raises as Registry and assembly do.

    What the registry has already is not sent again, so a push that broke off goes on where it was.
    """
    with ExitStack() as stack:
        source = stack.enter_context(Registry(base.host, access))
        target = source if to.host == base.host else stack.enter_context(Registry(to.host, access))
        found, digest = read(source, base, platform)
        pinned = f"{base.host}/{base.repository}@{digest}"
        image = assemble(
            found,
            layer,
            created=adding.created,
            environment=adding.environment,
            labels=labels(pinned),
            command=adding.command,
            user=adding.user,
            port=adding.port,
        )
        for place, blob in enumerate(found.layers):
            progress(place / (len(found.layers) + 1), f"layer {place + 1} of the base")
            _bring(source, base.repository, target, to.repository, blob=blob, scratch=scratch)
        progress(len(found.layers) / (len(found.layers) + 1), "the package")
        if not target.has(to.repository, layer.digest):
            target.upload(to.repository, layer.path, layer.digest)
        config = digest_of(image.config)
        if not target.has(to.repository, config):
            target.upload(to.repository, image.config, config)
        target.put_manifest(to.repository, to.version, image.manifest)
    name = digest_of(image.manifest)
    return PushedImage(
        reference=f"{to.host}/{to.repository}@{name}",
        digest=name,
        base=pinned,
        layer_digest=layer.digest,
        layer_bytes=layer.size,
        image_bytes=layer.size + sum(blob.size for blob in found.layers),
        manifest=image.manifest_json,
    )


def read(registry: Registry, base: ImageReference, platform: str) -> tuple[Base, str]:
    """The base and the digest of its manifest; of an index, the manifest of the platform."""
    manifest, digest = registry.manifest(base.repository, base.version)
    if "manifests" in manifest:
        digest = choose_platform(manifest, platform)
        manifest, _ = registry.manifest(base.repository, digest)
    config = registry.config(base.repository, config_of(manifest))
    return read_base(manifest, config, platform), digest


def _bring(
    source: Registry, origin: str, target: Registry, repository: str, *, blob: Descriptor, scratch: Path
) -> None:
    """A layer of the base to where the image goes: there already, taken over, or copied byte by byte."""
    if target.has(repository, blob.digest):
        return
    if source is target and target.mount(repository, blob.digest, origin):
        return
    path = scratch / blob.digest.removeprefix("sha256:")
    source.fetch(origin, blob, path)
    target.upload(repository, path, blob.digest)
    path.unlink()

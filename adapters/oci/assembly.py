"""Manifests and configurations of images: reads those of a base, makes those of an image on it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from adapters.oci.layers import MEDIA_TYPE as LAYER_TYPE
from adapters.oci.layers import Layer
from domain.errors import Invalid

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_DOCKER = "application/vnd.docker"
MANIFESTS: Final = (MANIFEST, f"{_DOCKER}.distribution.manifest.v2+json")
INDEXES: Final = (INDEX, f"{_DOCKER}.distribution.manifest.list.v2+json")
# The same bytes by another name.
_LAYER_TYPES = {
    f"{_DOCKER}.image.rootfs.diff.tar.gzip": LAYER_TYPE,
    f"{_DOCKER}.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}
_TAKEN = {LAYER_TYPE, "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+zstd"}


class BadBase(Invalid):
    """The base is not an image that another can stand on."""

    code = "bad_base_image"


@dataclass(frozen=True)
class Descriptor:
    """A blob by its digest; `size` in bytes."""

    media_type: str
    digest: str
    size: int

    def as_json(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Base:
    """A base image: its layers, and its configuration as it is."""

    layers: Sequence[Descriptor]
    config: dict[str, Any]


@dataclass(frozen=True)
class Image:
    """What is pushed besides the layers."""

    config: bytes
    manifest: bytes

    @property
    def manifest_json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.manifest)
        return found


def digest_of(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def choose_platform(index: Mapping[str, Any], platform: str) -> str:
    """The digest of the manifest of that platform in an index. Raises BadBase."""
    offered = []
    for entry in _objects(index, "manifests"):
        its = entry.get("platform")
        its = its if isinstance(its, dict) else {}
        name = "/".join(str(its[part]) for part in ("os", "architecture", "variant") if its.get(part))
        if name == platform or (platform.count("/") == 1 and name.startswith(f"{platform}/")):
            return _descriptor(entry).digest
        offered.append(name or "unknown")
    raise BadBase(
        f"The base is not there for {platform}.", where="platform", fix=f"It is there for {', '.join(offered)}."
    )


def config_of(manifest: Mapping[str, Any]) -> Descriptor:
    config = manifest.get("config")
    if not isinstance(config, dict):
        raise BadBase("The manifest of the base has no configuration.", where="base")
    return _descriptor(config)


def read_base(manifest: Mapping[str, Any], config: Mapping[str, Any], platform: str) -> Base:
    """The base as an OCI image. Raises BadBase for what is no image, or one of another platform."""
    layers = [_descriptor(layer) for layer in _objects(manifest, "layers")]
    for layer in layers:
        if layer.media_type not in _TAKEN:
            raise BadBase(f"The base has a layer of the type {layer.media_type!r}, which cannot be kept.", where="base")
    is_for = f"{config.get('os')}/{config.get('architecture')}"
    if is_for != "/".join(platform.split("/")[:2]):
        raise BadBase(f"The base is for {is_for}, not for {platform}.", where="platform", fix="Name another base.")
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or len(diff_ids) != len(layers):
        raise BadBase("The configuration of the base does not list its layers.", where="base")
    return Base(layers, dict(config))


def assemble(
    base: Base,
    layer: Layer,
    *,
    created: str,
    environment: Mapping[str, str],
    labels: Mapping[str, str],
    command: Sequence[str],
    user: str,
    port: int,
) -> Image:
    """The base's configuration with ours added, and the manifest of both. Nothing in it depends on when or where."""
    config = dict(base.config)
    process = dict(config.get("config") or {})
    kept = [entry for entry in process.get("Env") or [] if entry.partition("=")[0] not in environment]
    process["Env"] = kept + [f"{name}={value}" for name, value in environment.items()]
    process["Labels"] = {**(process.get("Labels") or {}), **labels}
    process["ExposedPorts"] = {**(process.get("ExposedPorts") or {}), f"{port}/tcp": {}}
    process["Cmd"] = list(command)
    process["User"] = user
    config["config"] = process
    config["created"] = created
    config["rootfs"] = {"type": "layers", "diff_ids": [*config["rootfs"]["diff_ids"], layer.diff_id]}
    step = {"created": created, "created_by": "millrace: model package"}
    config["history"] = [*(config.get("history") or []), step]
    content = _canonical(config)
    mine = Descriptor(LAYER_TYPE, layer.digest, layer.size)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": Descriptor(CONFIG, digest_of(content), len(content)).as_json(),
        "layers": [each.as_json() for each in (*base.layers, mine)],
        "annotations": {**labels, "org.opencontainers.image.created": created},
    }
    return Image(content, _canonical(manifest))


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _objects(document: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    found = document.get(field)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadBase(f"The manifest of the base has no {field}.", where="base")
    return found


def _descriptor(value: Mapping[str, Any]) -> Descriptor:
    kind, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
    well = isinstance(digest, str) and digest.startswith("sha256:") and len(digest) == 71 and digest[7:].isalnum()
    if not isinstance(kind, str) or not well or not isinstance(size, int) or size < 0:
        raise BadBase("The manifest of the base has a damaged entry.", where="base")
    return Descriptor(_LAYER_TYPES.get(kind, kind), str(digest), size)

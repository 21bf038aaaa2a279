"""Names of images: `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@sha256:…`, with nothing left to guess."""

import re
from dataclasses import dataclass

from domain.errors import Invalid

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?P<host>{_LABEL}(?:\.{_LABEL})*(?::\d{{1,5}})?)"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"(?P<repository>{_PART}(?:/{_PART})*)"
_TAG = r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
_DIGEST = r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
_REFERENCE = re.compile(rf"{_HOST}/{_REPOSITORY}{_TAG}{_DIGEST}", re.ASCII)
_FIX = "Write HOST/REPOSITORY:TAG, such as registry.example:5000/team/bikes:3."


class BadReference(Invalid):
    code = "bad_image_reference"


@dataclass(frozen=True)
class ImageReference:
    """`host` is that of the registry, with its port; `version` is what its manifest is asked for by."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def version(self) -> str:
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str, *, where: str) -> ImageReference:
    """Raises BadReference. A registry must be named: there is no default one, as there is in Docker."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise BadReference(f"{text!r} is not the name of an image.", where=where, fix=_FIX)
    host, repository = found["host"], found["repository"]
    name, _, port = host.partition(":")
    if "." not in name and not port and name != "localhost":
        raise BadReference(f"{text!r} names no registry: {host!r} is not a host.", where=where, fix=_FIX)
    if port and not 0 < int(port) < 2**16:
        raise BadReference(f"{port} is not a port.", where=where, fix=_FIX)
    if len(repository) > 255 - len(host):
        raise BadReference("The name of the image is longer than 255 characters.", where=where, fix=_FIX)
    return ImageReference(host.lower(), repository, found["tag"], found["digest"])


def parse_target(text: str, *, where: str) -> ImageReference:
    """Where an image is pushed: by a tag, since its digest is only known afterwards. Raises BadReference."""
    found = parse_reference(text, where=where)
    if found.digest is not None or found.tag is None:
        raise BadReference("What is pushed is named by a tag.", where=where, fix=_FIX)
    return found

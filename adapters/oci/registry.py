"""`Registry`: one registry, spoken to by the OCI distribution API. Used by workers that push images."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx

from adapters.oci.access import RegistryAccess
from adapters.oci.assembly import INDEXES, MANIFEST, MANIFESTS, Descriptor, digest_of
from domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable

CHUNK_BYTES: Final = 16 * 2**20
_MAX_DOCUMENT_BYTES = 8 * 2**20
_MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class RegistryAway(Unavailable):
    """The registry does not answer, stopped in the middle, or has troubles of its own. Trying again may help."""

    code = "registry_unavailable"


class RegistryForbids(Forbidden):
    """Credentials are missing, wrong, or not good for this repository."""

    code = "registry_forbidden"


class ImageMissing(NotFound):
    code = "image_missing"


class PushRefused(Conflict):
    """The registry does not take what we send."""

    code = "push_refused"


class NotAsAnnounced(Invalid):
    """Bytes from a registry do not have the digest they were asked for by."""

    code = "image_damaged"


class Registry:
    """Every call raises RegistryAway or RegistryForbids; those that read also ImageMissing and NotAsAnnounced.

    Credentials go to the registry itself and, for a token, to where it sends us for one; that and whatever else it
    points to must be a host that the settings allow.
    """

    def __init__(self, host: str, access: RegistryAccess) -> None:
        access.refuse(host)
        self.host = host
        self._access = access
        self._tokens: dict[str, str] = {}
        self._http = httpx.Client(
            base_url=f"{access.scheme(host)}://{host}/v2/",
            timeout=httpx.Timeout(access.timeout_seconds, connect=min(10.0, access.timeout_seconds)),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def manifest(self, repository: str, version: str) -> tuple[dict[str, Any], str]:
        """A manifest or an index by tag or digest, and its digest."""
        headers = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}
        content = self._document(f"{repository}/manifests/{version}", repository, headers)
        digest = digest_of(content)
        if version.startswith("sha256:") and version != digest:
            raise NotAsAnnounced(f"{self.host} has other bytes under {version}.", where="base")
        return _parsed(content, self.host), digest

    def config(self, repository: str, blob: Descriptor) -> dict[str, Any]:
        content = self._document(f"{repository}/blobs/{blob.digest}", repository, {})
        if digest_of(content) != blob.digest:
            raise NotAsAnnounced(f"{self.host} has other bytes under {blob.digest}.", where="base")
        return _parsed(content, self.host)

    def fetch(self, repository: str, blob: Descriptor, path: Path) -> None:
        """The blob into a file, checked by its digest."""
        digest, size = sha256(), 0
        with self._reading(f"{repository}/blobs/{blob.digest}", repository, {}) as answer, path.open("wb") as file:
            for piece in answer.iter_raw():
                size += len(piece)
                if size > blob.size:
                    break
                digest.update(piece)
                file.write(piece)
        if size != blob.size or f"sha256:{digest.hexdigest()}" != blob.digest:
            raise NotAsAnnounced(f"{self.host} has other bytes under {blob.digest}.", where="base")

    def has(self, repository: str, digest: str) -> bool:
        answer = self._ask("HEAD", f"{repository}/blobs/{digest}", _push(repository))
        if answer.status_code in _REDIRECTS or answer.is_success:
            return True
        if answer.status_code == 404:
            return False
        raise self._trouble(answer)

    def mount(self, repository: str, digest: str, source: str) -> bool:
        """Whether the registry took the blob over from another repository of its own; if not, it must be uploaded."""
        path = f"{repository}/blobs/uploads/?mount={digest}&from={quote(source, safe='')}"
        answer = self._ask("POST", path, f"{_push(repository)} repository:{source}:pull")
        if answer.status_code == 202:  # it would rather have an upload, and has begun one
            self._http_try("DELETE", self._location(answer), _push(repository))
            return False
        if answer.status_code == 201:
            return True
        raise self._trouble(answer)

    def upload(self, repository: str, content: Path | bytes, digest: str) -> None:
        """A blob in pieces; the registry compares the digest at the end."""
        scope = _push(repository)
        answer = self._ask("POST", f"{repository}/blobs/uploads/", scope)
        if answer.status_code != 202:
            raise self._trouble(answer)
        place, start = self._location(answer), 0
        for piece in _pieces(content):
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{start}-{start + len(piece) - 1}",
            }
            answer = self._ask("PATCH", place, scope, headers=headers, content=piece)
            if answer.status_code not in (202, 204):
                raise self._trouble(answer)
            place, start = self._location(answer), start + len(piece)
        place = str(httpx.URL(place).copy_merge_params({"digest": digest}))
        answer = self._ask("PUT", place, scope)
        if answer.status_code != 201:
            raise self._trouble(answer)

    def put_manifest(self, repository: str, tag: str, manifest: bytes) -> None:
        headers = {"Content-Type": MANIFEST}
        path = f"{repository}/manifests/{tag}"
        answer = self._ask("PUT", path, _push(repository), headers=headers, content=manifest)
        if answer.status_code != 201:
            raise self._trouble(answer)

    def _document(self, path: str, repository: str, headers: dict[str, str]) -> bytes:
        content = b""
        with self._reading(path, repository, headers) as answer:
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > _MAX_DOCUMENT_BYTES:
                    raise NotAsAnnounced(f"A manifest of {self.host} is larger than 8 MiB.", where="base")
        return content

    @contextmanager
    def _reading(self, path: str, repository: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The answer to a GET while its body is read, after redirects to hosts that are allowed."""
        url, scope = path, f"repository:{repository}:pull"
        with self._speaking():
            for _ in range(_MAX_REDIRECTS):
                answer = self._send("GET", url, scope, headers=headers, content=None, stream=True)
                try:
                    if answer.status_code in _REDIRECTS:
                        url = self._location(answer)
                        continue
                    if answer.status_code == 404:
                        missing = f"{self.host} has no {path.replace('/manifests/', ':').replace('/blobs/', '@')}."
                        raise ImageMissing(missing, where="base", fix="Push it first, or name another.")
                    if not answer.is_success:
                        answer.read()
                        raise self._trouble(answer)
                    yield answer
                    return
                finally:
                    answer.close()
            raise RegistryAway(f"{self.host} redirects without an end.", where="registry")

    def _ask(
        self, method: str, url: str, scope: str, *, headers: dict[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        with self._speaking():
            return self._send(method, url, scope, headers=headers or {}, content=content, stream=False)

    def _http_try(self, method: str, url: str, scope: str) -> None:
        """For tidying up: whatever comes of it."""
        try:
            self._ask(method, url, scope)
        except (RegistryAway, RegistryForbids):
            return

    def _send(
        self, method: str, url: str, scope: str, *, headers: dict[str, str], content: bytes | None, stream: bool
    ) -> httpx.Response:
        """With the token for the scope where there is one; a refusal that says how to get one is followed once."""
        ours = self._is_ours(url)
        for again in (False, True):
            own = {"Authorization": self._tokens[scope]} if ours and scope in self._tokens else {}
            request = self._http.build_request(method, url, headers={**headers, **own}, content=content)
            answer = self._http.send(request, stream=stream)
            if answer.status_code != 401 or again or not ours:
                return answer
            answer.close()
            self._tokens[scope] = self._authorisation(answer.headers.get("WWW-Authenticate", ""), scope)
        raise AssertionError

    def _authorisation(self, challenge: str, scope: str) -> str:
        kind, _, rest = challenge.partition(" ")
        credentials = self._access.credentials.get(self.host)
        if kind.lower() == "basic":
            if credentials is None:
                raise self._forbidden("wants credentials, and there are none")
            return str(
                next(httpx.BasicAuth(*credentials).auth_flow(self._http.build_request("GET", ""))).headers[
                    "Authorization"
                ]
            )
        if kind.lower() != "bearer":
            raise self._forbidden("refuses us and does not say how to be let in")
        named = dict(_PAIR.findall(rest))
        realm = self._allowed(named.get("realm", ""))
        asked = {"service": named.get("service", ""), "scope": scope.split(" ")}
        answer = self._http.get(realm, params=asked, auth=httpx.BasicAuth(*credentials) if credentials else None)
        if answer.status_code in (400, 401, 403):
            raise self._forbidden("gives no token for this")
        if not answer.is_success:
            raise self._trouble(answer)
        given = _parsed(answer.content, self.host)
        token = given.get("token") or given.get("access_token")
        if not isinstance(token, str):
            raise RegistryAway(f"{self.host} answered without a token.", where="registry")
        return f"Bearer {token}"

    def _is_ours(self, url: str) -> bool:
        there = httpx.URL(url)
        return there.is_relative_url or there.netloc == self._http.base_url.netloc

    def _location(self, answer: httpx.Response) -> str:
        """Where the registry points to. Raises RegistryRefused for a host that is not allowed."""
        return self._allowed(str(answer.url.join(answer.headers.get("Location", ""))))

    def _allowed(self, url: str) -> str:
        there = urlsplit(url)
        host = there.netloc.rpartition("@")[2].lower()
        if host != self.host:
            self._access.refuse(host)
        if there.scheme != self._access.scheme(host):
            raise RegistryAway(f"{self.host} points to an address of the kind {there.scheme!r}.", where="registry")
        return url

    def _trouble(self, answer: httpx.Response) -> Unavailable | Forbidden | Conflict:
        said = _reason(answer)
        if answer.status_code in (401, 403):
            return self._forbidden(said)
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            return RegistryAway(f"{self.host} answers {answer.status_code}: {said}", where="registry")
        return PushRefused(f"{self.host} answers {answer.status_code}: {said}", where="registry")

    def _forbidden(self, said: str) -> RegistryForbids:
        fix = "The settings name a file of credentials, as `docker login` writes it: MILLRACE_REGISTRY_AUTH_FILE."
        return RegistryForbids(f"{self.host} does not let us in: {said}.", where="registry", fix=fix)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise RegistryAway(f"{self.host} took too long to answer.", where="registry") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RegistryAway(f"{self.host} cannot be spoken to: {error}.", where="registry") from error


def _push(repository: str) -> str:
    return f"repository:{repository}:pull,push"


def _pieces(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _parsed(content: bytes, host: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotAsAnnounced(f"{host} answered with something that is no JSON object.", where="registry")
    return found


def _reason(answer: httpx.Response) -> str:
    """What the registry says, in its own words and not too many of them."""
    try:
        first = answer.json()["errors"][0]
        return str(first.get("message") or first.get("code"))[:200]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return answer.reason_phrase or "no reason"

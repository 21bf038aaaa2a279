"""Datasets and their versions: create, upload, build, look, download, compare."""

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import StringConstraints
from sqlalchemy import literal, select
from starlette.exceptions import HTTPException

from adapters.chunk_store.frames import sliced
from adapters.chunk_store.wire import BUNDLE_TYPE, MEDIA_TYPE
from adapters.git_access import GitAccess
from adapters.runtime import Runtime
from api.bundles import bundle
from api.deps import IdempotencyKey, IfMatch, PageDep, ReadDep, Reader, RuntimeDep, WriteDep, Writer, check_if_match
from api.documents import YAML_TYPES, DocumentRoute, parse_as, type_of
from api.downloads import FILE_RESPONSES, file_response
from api.pushes import PushReceiver
from api.schemas.datasets import (
    DatasetCreate,
    DatasetListed,
    DatasetRead,
    DatasetUpdate,
    FilesRead,
    FilesWanted,
    UseRead,
    VersionBuild,
    VersionLineage,
    VersionLink,
    VersionRead,
)
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from api.uploads import BadUpload, Upload, receive, receive_upload
from domain.access.actor import Actor
from domain.contents.service import hold
from domain.datasets import queries, remote, service
from domain.datasets.dvc import parse_listing, parse_pointer, pointer
from domain.datasets.manifest import checked_path
from domain.datasets.specs import (
    NAME_PATTERN,
    GitSource,
    PointerSource,
    Source,
    TableProfile,
    UploadSource,
    VersionDiff,
)
from domain.datasets.states import VersionState
from domain.repositories.service import address_of

router = APIRouter(prefix="/datasets", tags=["datasets"], route_class=DocumentRoute)


def version_number(
    number: Annotated[str, Path(pattern=r"^(latest|[1-9][0-9]{0,8})$", description="A number, or `latest`.")],
) -> int | None:
    return None if number == "latest" else int(number)


DatasetName = Annotated[str, Path(pattern=NAME_PATTERN)]
VersionNumber = Annotated[int | None, Depends(version_number)]
DiffKey = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]],
    Query(max_length=50, description="A column that names a row; repeat it for a key of several. None: whole rows."),
]
Against = Annotated[int, Query(ge=1, lt=2**31, description="The version to compare with.")]

_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "pointer": {"type": "string", "description": "Instead of files: the text of a `.dvc` file."},
                        "message": {"type": "string"},
                    },
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "source": {
                            "oneOf": [
                                {"$ref": "#/components/schemas/RecipeSource"},
                                {"$ref": "#/components/schemas/TrafficSource"},
                                PointerSource.model_json_schema(),
                                {"$ref": "#/components/schemas/GitSource"},
                            ]
                        },
                        "message": {"type": "string"},
                    },
                    "required": ["source"],
                }
            },
        },
    }
}

_DIGESTS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("", status_code=201)
def create_dataset(body: DatasetCreate, session: WriteDep, response: Response, _: Writer) -> DatasetRead:
    """Create a dataset: a name for the versions to come."""
    dataset = service.create_dataset(session, name=body.name, description=body.description)
    response.headers["Location"] = f"/api/v1/datasets/{dataset.name}"
    return _tagged(response, DatasetRead.of(dataset))


@router.get("")
def list_datasets(session: ReadDep, page: PageDep, _: Reader, archived: bool = False) -> PageRead[DatasetListed]:
    """Datasets with their newest versions, newest first; the archived ones instead with `archived=true`."""
    found = queries.list_datasets(session, page, archived=archived)
    return PageRead[DatasetListed].of(found, DatasetListed.beside(queries.newest_versions(session, found.items)))


@router.get("/{name}")
def get_dataset(name: DatasetName, session: ReadDep, response: Response, _: Reader) -> DatasetRead:
    """A dataset, with its description; the ETag is for `If-Match`."""
    return _tagged(response, DatasetRead.of(queries.get_dataset(session, name)))


@router.patch("/{name}")
def update_dataset(
    name: DatasetName, body: DatasetUpdate, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> DatasetRead:
    """Change the description; with `If-Match` only if nobody else changed the dataset."""
    dataset = queries.get_dataset(session, name, lock=True)
    check_if_match(if_match, dataset.revision, what=f"The dataset {name!r}")
    return _tagged(
        response, DatasetRead.of(service.update_dataset(session, dataset=dataset, description=body.description))
    )


@router.delete("/{name}")
def archive_dataset(name: DatasetName, session: WriteDep, _: Writer) -> DatasetRead:
    """Archive a dataset that nothing was made from: out of the lists, closed for new versions, still readable."""
    return DatasetRead.of(service.archive_dataset(session, name=name))


@router.post(
    "/{name}/versions",
    status_code=201,
    response_model=VersionRead,
    responses={
        200: {"model": VersionRead, "description": "The same content is a version already: this one."},
        202: {"model": JobRead, "description": "The job that builds the version from its source."},
    },
    openapi_extra=_UPLOAD,
)
async def create_dataset_version(
    *, name: DatasetName, request: Request, response: Response, runtime: RuntimeDep, actor: Writer, key: IdempotencyKey
) -> VersionRead | Response:
    """Upload files (`multipart/form-data`, of any size), name a pushed `.dvc` pointer, or order a build (JSON)."""
    await to_thread.run_sync(_refuse_if_closed, runtime, name)
    upload: Upload | None = None
    if type_of(request) == "multipart/form-data":
        upload = await receive_upload(request, runtime.contents, max_files=runtime.settings.max_upload_files)
    elif type_of(request) == MEDIA_TYPE:
        receiver = PushReceiver(runtime.contents, max_files=runtime.settings.max_upload_files)
        upload = await receive(request, receiver)
    if upload is not None:
        version, created = await to_thread.run_sync(_add_version, runtime, actor, request, name, upload)
        return _made(response, version, created=created)
    if type_of(request) not in {"application/json", *YAML_TYPES}:
        raise HTTPException(415, f"Send files as multipart/form-data or {MEDIA_TYPE}, a source as application/json.")
    build = parse_as(VersionBuild, await request.body(), type_of(request))
    source, message = build.source, build.message
    if isinstance(source, PointerSource):
        add = partial(_add_pointed, runtime, actor, request, name=name, text=source.pointer, message=message)
        version, created = await to_thread.run_sync(add)
        return _made(response, version, created=created)
    order = partial(_order_build, runtime, actor, request, name=name, source=source, message=message, key=key)
    job = await to_thread.run_sync(order)
    return JSONResponse(job.model_dump(mode="json"), 202, {"Location": f"/api/v1/jobs/{job.id}"})


@router.post(
    "/{name}/missing-chunks",
    response_class=Response,
    openapi_extra=_DIGESTS,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "A byte each: 1 for a missing one."}},
)
async def list_missing_chunks(name: DatasetName, request: Request, runtime: RuntimeDep, _: Writer) -> Response:
    """Which of these chunks a push to the dataset has to bring: BLAKE3 digests of 32 bytes, one behind the other."""
    await to_thread.run_sync(_refuse_if_closed, runtime, name)
    body = await request.body()
    if len(body) % 32:
        raise BadUpload(f"{len(body)} bytes are no row of digests of 32 bytes.", where="body")
    digests = sliced(body, [32] * (len(body) // 32))
    missing = await to_thread.run_sync(runtime.contents.unknown_chunks, set(digests))
    return Response(bytes(digest in missing for digest in digests), media_type="application/octet-stream")


@router.get("/{name}/versions")
def list_dataset_versions(
    name: DatasetName,
    session: ReadDep,
    page: PageDep,
    _: Reader,
    state: VersionState | None = None,
    deleted: bool = False,
) -> PageRead[VersionRead]:
    """Versions, newest first; with `deleted=true` the deleted ones among them."""
    found = queries.list_versions(session, name, page, state=state, deleted=deleted)
    return PageRead[VersionRead].of(found, VersionRead.of)


@router.get("/{name}/versions/{number}")
def get_dataset_version(name: DatasetName, number: VersionNumber, session: ReadDep, _: Reader) -> VersionRead:
    """A version: its state, its size, and what it was made from."""
    return VersionRead.of(queries.get_version(session, name, number))


@router.get(
    "/{name}/versions/{number}/files",
    response_model=FilesRead,
    responses={304: {"description": "As the `If-None-Match` says; the ETag is the digest of the version."}},
)
def list_dataset_files(
    request: Request, name: DatasetName, number: VersionNumber, session: ReadDep, _: Reader
) -> Response:
    """The manifest: every file with its MD5 and size."""
    version = queries.refuse_deleted(queries.get_version(session, name, number))
    etag = f'"{version.digest}"'
    if etag in (request.headers.get("if-none-match") or ""):
        return Response(status_code=304, headers={"ETag": etag})
    content = FilesRead.as_json(queries.files_of(session, version))
    return Response(content, media_type="application/json", headers={"ETag": etag})


@router.get("/{name}/versions/{number}/profile")
def get_dataset_profile(name: DatasetName, number: VersionNumber, session: ReadDep, _: Reader) -> TableProfile:
    """What is in the columns: types, nulls, quantiles, histograms. A folder is a table of its files."""
    return queries.get_profile(session, queries.get_version(session, name, number))


@router.get("/{name}/versions/{number}/lineage")
def get_dataset_lineage(name: DatasetName, number: VersionNumber, session: ReadDep, _: Reader) -> VersionLineage:
    """What the version was made from, and what was made from it."""
    version = queries.get_version(session, name, number)
    return VersionLineage(
        version=VersionRead.of(version),
        parents=[VersionLink.of(parent) for parent in queries.parents_of(session, version)],
        children=[VersionLink.of(child) for child in queries.children_of(session, version)],
        uses=[UseRead.of(use) for use in queries.uses_of(session, select(literal(version.id)))],
    )


@router.get("/{name}/versions/{number}/pointer", response_class=PlainTextResponse)
def get_dataset_pointer(name: DatasetName, number: VersionNumber, session: ReadDep, _: Reader) -> PlainTextResponse:
    """The `.dvc` file of the version, for a git repository."""
    version = queries.get_version(session, name, number)
    text = pointer(name=name, digest=version.digest, entries=queries.files_of(session, version))
    return PlainTextResponse(text, headers={"Content-Disposition": f'attachment; filename="{name}.dvc"'})


@router.get("/{name}/versions/{number}/content/{path:path}", response_class=Response, responses=FILE_RESPONSES)
def get_dataset_content(
    *,
    name: DatasetName,
    number: VersionNumber,
    path: str,
    request: Request,
    runtime: RuntimeDep,
    session: ReadDep,
    _: Reader,
) -> Response:
    """One file of the version, streamed; its ETag is its MD5."""
    entry = queries.get_file(session, queries.get_version(session, name, number), checked_path(path))
    return file_response(request, runtime.contents, entry)


@router.post(
    "/{name}/versions/{number}/bundle",
    response_class=Response,
    responses={200: {"content": {BUNDLE_TYPE: {}}, "description": "Records: bytes (D), and at the end of a file (E)."}},
)
def get_dataset_bundle(
    *, name: DatasetName, number: VersionNumber, body: FilesWanted, runtime: RuntimeDep, session: ReadDep, _: Reader
) -> Response:
    """The files of the version, or those that are named: one request instead of thousands."""
    entries = queries.only(queries.files_of(session, queries.get_version(session, name, number)), body.paths)
    return StreamingResponse(bundle(runtime.contents, entries), media_type=BUNDLE_TYPE)


@router.get(
    "/{name}/versions/{number}/diff",
    response_model=VersionDiff,
    responses={202: {"model": JobRead, "description": "The job that compares them; ask again when it has ended."}},
)
def diff_dataset_versions(
    *,
    name: DatasetName,
    number: VersionNumber,
    against: Against,
    key: DiffKey = [],  # noqa: B006 - FastAPI copies it
    request: Request,
    runtime: RuntimeDep,
    actor: Reader,
) -> VersionDiff | Response:
    """What changed since version `against`: rows by `key`, columns, and how far each column moved.

    The first time for a pair of versions and a key this starts a job.
    """
    with runtime.reading() as session:
        after = queries.get_version(session, name, number)
        before = queries.get_version(session, name, against)
        known = queries.find_diff(session, before, after, key)
    if known is not None:
        return known
    with runtime.transaction(actor, request_id=request.state.request_id) as writing:
        job = JobRead.model_validate(service.request_diff(writing, before=before, after=after, key=key))
    return JSONResponse(job.model_dump(mode="json"), 202, {"Location": f"/api/v1/jobs/{job.id}"})


def _tagged(response: Response, dataset: DatasetRead) -> DatasetRead:
    response.headers["ETag"] = f'"{dataset.revision}"'
    return dataset


def _made(response: Response, version: VersionRead, *, created: bool) -> VersionRead:
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/api/v1/datasets/{version.dataset}/versions/{version.number}"
    return version


def _refuse_if_closed(runtime: Runtime, name: str) -> None:
    """Say no before the bytes are sent, not after."""
    with runtime.reading() as session:
        service.refuse_archived(queries.get_dataset(session, name))


def _add_version(
    runtime: Runtime, actor: Actor, request: Request, name: str, upload: Upload
) -> tuple[VersionRead, bool]:
    """The bytes are there: the short transaction that makes them a version."""
    unknown = sorted(upload.fields.keys() - {"message", "pointer"})
    if unknown:
        raise BadUpload(
            f"The form has a field {unknown[0][:80]!r}.", where=unknown[0][:80], fix="Send files, and a message."
        )
    message = upload.fields.get("message", "")
    if "pointer" in upload.fields:
        if upload.entries:
            raise BadUpload("The form has files and a pointer.", where="pointer", fix="Send one or the other.")
        return _add_pointed(runtime, actor, request, name=name, text=upload.fields["pointer"], message=message)
    with runtime.transaction(actor, request_id=request.state.request_id) as session:
        hold(session, [entry.md5 for entry in upload.entries])
        version, created = service.add_version(
            session,
            dataset=name,
            entries=upload.entries,
            source=UploadSource(),
            message=message,
        )
        return VersionRead.of(version), created


def _add_pointed(
    runtime: Runtime, actor: Actor, request: Request, *, name: str, text: str, message: str
) -> tuple[VersionRead, bool]:
    """The version of a pointer whose bytes `dvc push` has brought."""
    pointed = parse_pointer(text)
    with runtime.reading() as session:
        standing = remote.find_pointed(session, dataset=name, pointer=pointed)
    if standing is not None:
        return VersionRead.of(standing), False
    listed = parse_listing(runtime.contents.read(pointed.md5)) if pointed.md5.endswith(".dir") else []
    with runtime.transaction(actor, request_id=request.state.request_id) as session:
        version, created = remote.add_pointed_version(
            session, dataset=name, pointer=pointed, listed=listed, message=message
        )
        return VersionRead.of(version), created


def _order_build(
    runtime: Runtime, actor: Actor, request: Request, *, name: str, source: Source, message: str, key: str | None
) -> JobRead:
    with runtime.transaction(actor, request_id=request.state.request_id) as session:
        if isinstance(source, GitSource):
            GitAccess.of(runtime.settings).refuse(address_of(session, source.git))
        job = service.build_version(session, name=name, source=source, message=message, key=key)
        return JobRead.model_validate(job)

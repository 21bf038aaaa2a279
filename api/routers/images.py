"""Images of model versions: push one, see what was pushed, take the Dockerfile."""

from typing import Annotated

import yaml
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from adapters.runtime import Runtime
from api.build_contexts import MEDIA_TYPE, build_context
from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, RuntimeDep, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.images import ImageRead
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from domain.datasets.specs import Name
from domain.db import AnySession
from domain.images import queries, service
from domain.images.contents import dockerfile, labels_for, routes_for
from domain.images.kubernetes import KubernetesAsk, render
from domain.images.models import VersionImage
from domain.images.references import parse_reference
from domain.images.specs import ImageAsk
from domain.jobs.queries import get_job
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import get_version, origin_of

router = APIRouter(prefix="/models/{name}/versions/{number}", tags=["images"], route_class=DocumentRoute)

Number = Annotated[int, Path(ge=1, lt=2**31)]
BaseQuery = Annotated[str | None, Query(max_length=400, description="Absent, that of the settings.")]


def _read(session: AnySession, row: VersionImage) -> ImageRead:
    version = session.get_one(ModelVersion, row.version_id)
    named = {
        "model": session.get_one(RegisteredModel, version.model_id).name,
        "number": version.number,
        "state": get_job(session, row.job_id).state,
    }
    plain = {name: getattr(row, name) for name in ImageRead.model_fields if name not in named}
    return ImageRead.model_validate({**plain, **named})


@router.post("/image", status_code=202)
def push_model_image(
    *,
    name: str,
    number: Number,
    body: ImageAsk,
    runtime: RuntimeDep,
    session: WriteDep,
    key: IdempotencyKey,
    response: Response,
    _: Writer,
) -> JobRead:
    """Put the version on a serving image and push it to a registry that the settings allow."""
    base = runtime.settings.serving_image
    version = get_version(session, name, number)
    _image, job = service.order(session, version=version, ask=body, base=base, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/images")
def list_model_images(name: str, number: Number, session: ReadDep, page: PageDep, _: Reader) -> PageRead[ImageRead]:
    """Images that were ordered of the version, newest first, with what was pushed."""
    found = queries.list_images(session, get_version(session, name, number).id, page)
    return PageRead[ImageRead].of(found, lambda row: _read(session, row))


@router.get("/dockerfile", response_class=PlainTextResponse)
def get_model_dockerfile(
    *, name: str, number: Number, runtime: RuntimeDep, session: ReadDep, _: Reader, base: BaseQuery = None
) -> PlainTextResponse:
    """For those who build by Docker: it wants the version's model store in `models/` beside it (`build-context`)."""
    return PlainTextResponse(_dockerfile(session, get_version(session, name, number), base, runtime))


@router.get(
    "/build-context",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "The Dockerfile, and `models/`."}},
)
def get_model_build_context(
    *,
    name: str,
    number: Number,
    runtime: RuntimeDep,
    session: ReadDep,
    _: Reader,
    base: BaseQuery = None,
    endpoint: Annotated[Name | None, Query(description="Absent, the model's name.")] = None,
) -> StreamingResponse:
    """What `docker build -` takes on its standard input: the Dockerfile with the model store that it wants."""
    version = get_version(session, name, number)
    package = version.package_digest
    context = build_context(
        runtime.models,
        dockerfile=_dockerfile(session, version, base, runtime),
        routes=routes_for(endpoint=endpoint or name, model=name, number=number, package=package),
        package=package,
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}-{number}.tar"'}
    return StreamingResponse(context, media_type=MEDIA_TYPE, headers=headers)


def _dockerfile(session: AnySession, version: ModelVersion, base: str | None, runtime: Runtime) -> str:
    chosen = parse_reference(base or runtime.settings.serving_image, where="base")
    data = origin_of(session, version).data
    labels = labels_for(
        model=session.get_one(RegisteredModel, version.model_id).name,
        number=version.number,
        package=version.package_digest,
        data=f"{data.dataset.name}@{data.number}",
        base=str(chosen),
    )
    return dockerfile(base=str(chosen), labels=labels)


@router.get("/kubernetes", response_class=PlainTextResponse)
def get_model_kubernetes(
    name: str, number: Number, session: ReadDep, ask: Annotated[KubernetesAsk, Query()], _: Reader
) -> PlainTextResponse:
    """A pushed image of the version as Kubernetes objects in YAML, to be applied as they are."""
    version = get_version(session, name, number)
    pushed = queries.pushed_image(session, version.id, digest=ask.image)
    objects = render(ask, image=pushed.reference, model=name, number=number)
    return PlainTextResponse(yaml.safe_dump_all(objects, sort_keys=False), media_type="application/yaml")

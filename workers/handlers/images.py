"""Jobs of images: put a version's package and its routes on a serving image, and push that."""

import tempfile
from pathlib import Path

from adapters.object_store.keys import INCOMING
from adapters.oci.access import RegistryAccess
from adapters.oci.layers import Layer, write_layer
from adapters.oci.pushing import Additions, push
from domain.images import service
from domain.images.contents import COMMAND, PORT, STORE, USER, environment, labels_for, routes_for
from domain.images.jobs import PushImage
from domain.images.models import VersionImage
from domain.images.queries import get_image
from domain.images.references import parse_reference, parse_target
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import origin_of
from serving.packages import PackageCache
from workers.run import RunningJob
from workers.toolbox import Toolbox


def push_image(job: RunningJob[PushImage], tools: Toolbox) -> dict[str, object]:
    """The same version on the same base is the same image, to the byte: pushing it again sends nothing."""
    with tools.runtime.reading() as session:
        image = get_image(session, job.spec.image_id)
        version = session.get_one(ModelVersion, image.version_id)
        model = session.get_one(RegisteredModel, version.model_id)
        origin = origin_of(session, version)
        data = f"{origin.data.dataset.name}@{origin.data.number}"
    access = RegistryAccess.of(tools.runtime.settings)
    base, to = parse_reference(image.base, where="base"), parse_target(image.target, where="to")
    for host in (base.host, to.host):
        access.refuse(host)
    with tempfile.TemporaryDirectory(dir=tools.scratch) as folder:
        job.stage("assemble")
        layer = _layer(tools, Path(folder), model.name, version, image)
        job.stage("push")
        pushed = push(
            layer,
            base=base,
            to=to,
            platform=image.platform,
            adding=Additions(
                created=version.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                environment=environment(),
                command=COMMAND,
                user=f"{USER}:{USER}",
                port=PORT,
            ),
            labels=lambda pinned: labels_for(
                model=model.name, number=version.number, package=version.package_digest, data=data, base=pinned
            ),
            access=access,
            scratch=Path(folder),
            progress=job.progress,
        )
    with job.transaction() as session:
        service.record(session, image_id=image.id, pushed=pushed)
    return {"reference": pushed.reference, "layer_bytes": pushed.layer_bytes}


def _layer(tools: Toolbox, folder: Path, model: str, version: ModelVersion, image: VersionImage) -> Layer:
    """A model store with one package, every byte of it verified, and the routes to it."""
    digest = version.package_digest
    directory, package = PackageCache(tools.runtime.models, folder / "packages").fetch(digest)
    routes = routes_for(endpoint=image.endpoint, model=model, number=version.number, package=digest)
    top = STORE.removeprefix("/")
    names = ["package.json", *(file.path for file in package.files)]
    files: dict[str, bytes | Path] = {f"{top}/packages/{digest}/{name}": directory / name for name in names}
    files[f"{top}/routes/{image.endpoint}.json"] = routes.model_dump_json().encode()
    return write_layer(folder / "layer.tar.gz", files, folders=(f"{top}/{INCOMING}",), owner=USER)

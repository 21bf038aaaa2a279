"""What events elsewhere mean to datasets. Named in `domain.reactions`."""

from domain.datasets import declared
from domain.datasets.events import DatasetVersionValidated
from domain.datasets.jobs import BuildVersion
from domain.datasets.queries import get_version_by_id, resolve
from domain.db import WriteSession
from domain.jobs import service as jobs


def version_validated(session: WriteSession, event: DatasetVersionValidated) -> None:
    """Build the datasets that follow this one: once for each revision of their recipe and each version.

    A verdict that comes after that of a newer version sets nothing off: the newest rows had their turn.
    """
    if resolve(session, event.dataset).number != event.number:
        return
    version = get_version_by_id(session, event.version_id)
    for dataset in declared.followers_of(session, event.dataset):
        number, recipe = declared.get_recipe(session, dataset)
        spec = BuildVersion(
            dataset=dataset.name,
            source=declared.set_off_by(recipe, version).source(),
            message=f"by its recipe, after {event.dataset} version {event.number}",
            revision=number,
            after_id=version.id,
        )
        key = f"recipe:{dataset.id}:{number}:{version.id}"
        jobs.submit(session, spec, subject=f"datasets/{dataset.name}/versions", key=key)

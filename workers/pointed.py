"""The files behind a `.dvc` pointer, when `dvc push` has brought their bytes. Used by the sync of repositories."""

from dataclasses import dataclass

from adapters.runtime import Runtime
from domain.datasets import remote
from domain.datasets.dvc import Listed, Pointer, parse_listing
from domain.datasets.manifest import ManifestEntry


@dataclass(frozen=True)
class MissingObjects:
    """Of what a pointer names, `count` objects have not been pushed to the dataset, `first` among them."""

    first: str
    count: int


def entries_of(runtime: Runtime, dataset: str, pointer: Pointer) -> list[ManifestEntry] | MissingObjects:
    """The files of the version that the pointer stands for, or what is missing of it. Raises `BadListing`.

    Only what was pushed to this dataset counts: a commit must not lay claim to the bytes of another one.
    """
    if not has_object(runtime, dataset, pointer.md5):
        return MissingObjects(pointer.md5, 1)
    listed = [Listed(pointer.path.rpartition("/")[2], pointer.md5)]
    if pointer.md5.endswith(".dir"):
        listed = parse_listing(runtime.contents.read(pointer.md5))
    with runtime.reading() as session:
        home = remote.find_place(session, dataset)
        sizes = remote.sizes_of(session, home.id, {one.md5 for one in listed}) if home else {}
    missing = [one.md5 for one in listed if one.md5 not in sizes]
    if missing:
        return MissingObjects(missing[0], len(missing))
    return [ManifestEntry(one.path, one.md5, sizes[one.md5]) for one in listed]


def has_object(runtime: Runtime, dataset: str, digest: str) -> bool:
    """Whether the object (MD5, or MD5 and `.dir`) is in the dataset's remote."""
    with runtime.reading() as session:
        home = remote.find_place(session, dataset, digest)
    return home is not None and home.size is not None

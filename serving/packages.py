"""The packages of model versions on local disk: fetched from the model store once, verified by digest, kept a while."""

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from adapters.object_store.protocol import ObjectStore
from domain.registry.specs import Package
from ml.models import PACKAGE_FILE, BadPackage, read_package


class PackageTooLarge(BadPackage):
    code = "package_too_large"


class PackageCache:
    """`directory/{digest}/` holds a verified package; several processes may share the directory.

    The files of a package may have `max_bytes` together.
    """

    def __init__(self, store: ObjectStore, directory: Path, *, keep: int = 50, max_bytes: int | None = None) -> None:
        self._store = store
        self._directory = directory
        self._keep = keep
        self._max_bytes = max_bytes
        directory.mkdir(parents=True, exist_ok=True)

    def fetch(self, digest: str) -> tuple[Path, Package]:
        """The package's directory, every byte of it checked against `digest`.

        Raises ObjectMissing, StoreUnavailable or BadPackage. A damaged copy on this disk is fetched again.
        """
        directory = self._directory / digest
        if directory.is_dir():
            try:
                package = read_package(directory, digest=digest)
                self._check_size(sum(file.size for file in package.files))
            except PackageTooLarge:
                raise
            except BadPackage:
                shutil.rmtree(directory, ignore_errors=True)
            else:
                directory.touch()
                return directory, package
        package = self._download(digest, directory)
        self._prune()
        return directory, package

    def _download(self, digest: str, directory: Path) -> Package:
        scratch = Path(tempfile.mkdtemp(prefix=".fetching-", dir=self._directory))
        try:
            listing = self._store.get(f"packages/{digest}/{PACKAGE_FILE}")
            (scratch / PACKAGE_FILE).write_bytes(listing)
            files = _listed(listing, digest, scratch)
            self._check_size(sum(files.values()))
            for path, size in files.items():
                key = f"packages/{digest}/{path.relative_to(scratch).as_posix()}"
                found = self._store.info(key).size
                if found != size:
                    raise BadPackage(f"{path.name} is damaged: it has {found} bytes, not {size}.", where=path.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._store.fetch(key, path)
            package = read_package(scratch, digest=digest)
            try:
                scratch.rename(directory)
            except OSError:  # another process put the same bytes there first
                read_package(directory, digest=digest)
            return package
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _check_size(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise PackageTooLarge(
                f"The package has {size} bytes, and at most {self._max_bytes} are loaded here.",
                where=PACKAGE_FILE,
                fix="Use a smaller model, or raise MILLRACE_SERVING_MAX_MODEL_BYTES.",
            )

    def _prune(self) -> None:
        """Forgets what was not loaded for longest.

        A loaded ONNX model needs its files no more, and a Python model that restarts has them fetched again.
        """
        kept = sorted(
            (path for path in self._directory.iterdir() if not path.name.startswith(".")),
            key=lambda path: path.stat().st_mtime,
            reverse=True,
        )
        for path in kept[self._keep :]:
            shutil.rmtree(path, ignore_errors=True)


def _listed(listing: bytes, digest: str, root: Path) -> dict[Path, int]:
    """Where the files of a package.json go and their sizes, if it is the right one and none leads out of `root`."""
    if sha256(listing).hexdigest() != digest:
        raise BadPackage(f"{PACKAGE_FILE} is not the one with digest {digest}.", where=PACKAGE_FILE)
    try:
        sizes = {file.path: file.size for file in Package.model_validate_json(listing).files}
    except ValidationError as error:
        raise BadPackage(f"{PACKAGE_FILE} is not valid: {error}.", where=PACKAGE_FILE) from error
    for name in sizes:
        if "\0" in name or not (root / name).resolve().is_relative_to(root.resolve()) or ".." in Path(name).parts:
            raise BadPackage(f"{name!r} is not a path inside the package.", where=PACKAGE_FILE)
    return {root / name: size for name, size in sizes.items()}

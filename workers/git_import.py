"""Versions of files in a Git repository, tracked by Git or by DVC with another remote. Called by `build_version`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import yaml

from adapters.dvc_files import DvcFile, dvc_files, safe_config, write_config
from adapters.git import GitLimits
from adapters.git_access import GitAccess
from adapters.git_mirror import Commit, Mirror
from domain.datasets import service
from domain.datasets.jobs import BuildVersion
from domain.datasets.manifest import ManifestEntry, checked_path
from domain.datasets.specs import GitImport, GitSource
from domain.errors import Invalid
from domain.repositories.addresses import GitAddress
from domain.repositories.pointers import DvcConfig, parse_config
from domain.repositories.service import address_of
from workers.run import RunningJob
from workers.toolbox import Toolbox

_CONFIG = ".dvc/config"
_CONFIG_BYTES = 2**16


class LinkInRepository(Invalid):
    """A symbolic link, which may lead out of the repository, is never followed."""

    code = "link_in_repository"


class ImportOfImport(Invalid):
    """The data at the path is an import of the repository's own, from somewhere else."""

    code = "import_of_import"


class ImportTooLarge(Invalid):
    code = "import_too_large"


class NothingToImport(Invalid):
    code = "nothing_to_import"


@dataclass(frozen=True)
class _CheckedOut:
    folder: Path
    commit: Commit
    address: GitAddress


def build_from_git(job: RunningJob[BuildVersion], tools: Toolbox, source: GitSource) -> dict[str, object]:
    """Read the files at a revision into the store, and record their version with the commit they are from."""
    path = checked_path(source.path.rstrip("/"))
    with tools.runtime.reading() as session:
        address = address_of(session, source.git)
    with TemporaryDirectory(dir=tools.scratch, prefix="git-import-") as name:
        scratch = Path(name)
        job.stage("fetch")
        job.progress(0.05, f"fetching {source.rev} of {address.text}")
        got = _check_out(tools, scratch, address, source.rev, path)
        job.stage("read")
        job.progress(0.3, f"reading {path} at {got.commit.id[:12]}")
        with dvc_files(
            got.folder, path, scratch=scratch, seconds=tools.runtime.settings.git_timeout_seconds * 10
        ) as files:
            entries = [_store(tools, file) for file in _bounded(tools, files)]
    if not entries:
        raise NothingToImport(f"There are no files at {path!r}.", where="source.path")
    found = GitImport(
        **source.model_dump(exclude={"kind"}),
        url=address.text,
        commit=got.commit.id,
        author=got.commit.author,
        message=got.commit.message,
    )
    job.stage("record")
    with job.transaction() as session:
        version = service.record_build(
            session,
            job_id=job.id,
            dataset=job.spec.dataset,
            entries=entries,
            rows=None,
            source=found,
            message=job.spec.message,
        )
        return {"dataset": job.spec.dataset, "number": version.number, "version_id": version.id}


def _check_out(tools: Toolbox, scratch: Path, address: GitAddress, rev: str, path: str) -> _CheckedOut:
    """The files of the revision, with links that are none and a configuration that reaches nothing it may not."""
    settings = tools.runtime.settings
    access = GitAccess.of(settings)
    mirror = Mirror(scratch / "clone", address, access, GitLimits.of(settings))
    commit = mirror.commit(mirror.fetch_revision(rev))
    _refuse_links(mirror, commit.id, path)
    # What Git itself has needs no remote: one that may not be read is no reason to refuse it.
    in_git = any(entry.path == path for entry in mirror.tree(commit.id, path))
    config = DvcConfig(None, {}) if in_git else _config_at(mirror, commit.id)
    remotes = safe_config(config, address, access)
    default = config.default
    if not remotes and address.kind == "local":  # as DVC does: the clone's own cache is where its data is
        default, remotes = "cache", {"cache": {"url": str(Path(address.path) / ".dvc" / "cache")}}
    folder = scratch / "files"
    mirror.check_out(commit.id, folder)
    _leave_out_imports(folder, path)
    write_config(folder, default, remotes)
    return _CheckedOut(folder, commit, address)


def _refuse_links(mirror: Mirror, commit: str, path: str) -> None:
    """Links at the path, below it, on the way to it, and in the place of its pointer or of DVC's configuration."""
    parents = [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "."]
    on_the_way = {path, f"{path}.dvc", ".dvc", _CONFIG, *parents, *(f"{parent}.dvc" for parent in parents)}
    for entry in mirror.tree(commit):
        if entry.is_link and (entry.path in on_the_way or entry.path.startswith(f"{path}/")):
            shown = entry.path.encode(errors="replace").decode()
            raise LinkInRepository(
                f"{shown!r} is a symbolic link at {commit[:12]}, and is not followed.",
                where="source.path",
                fix="Name the file itself, or commit it in the place of the link.",
            )


def _leave_out_imports(folder: Path, path: str) -> None:
    """Pointers that would make DVC read a third place: another repository, a URL, a path outside of this one."""
    for pointer in folder.rglob("*.dvc"):
        if not pointer.is_file() or _stays_inside(pointer.read_bytes()[:_CONFIG_BYTES]):
            continue
        inner = pointer.relative_to(folder).as_posix()
        if inner == f"{path}.dvc" or inner.startswith(f"{path}/") or path.startswith(f"{inner.removesuffix('.dvc')}/"):
            raise ImportOfImport(
                f"{inner!r} does not point to data of this repository.",
                where="source.path",
                fix="Import from the repository that the data belongs to.",
            )
        pointer.unlink()


def _stays_inside(text: bytes) -> bool:
    try:
        document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - BaseLoader makes text, lists and mappings alone
        outs = [checked_path(out["path"]) for out in document["outs"]]
    except (yaml.YAMLError, RecursionError, TypeError, KeyError, AttributeError, Invalid):
        return False
    return bool(outs) and "deps" not in document


def _config_at(mirror: Mirror, commit: str) -> DvcConfig:
    for entry in mirror.tree(commit, _CONFIG):
        return parse_config(mirror.text(entry, max_bytes=_CONFIG_BYTES) or "")
    return DvcConfig(None, {})


def _bounded(tools: Toolbox, files: Iterator[DvcFile]) -> Iterator[DvcFile]:
    most = tools.runtime.settings.max_upload_files
    for count, file in enumerate(files):
        if count >= most:
            raise ImportTooLarge(f"There are more than {most:,} files.", where="source.path")
        yield file


def _within(blocks: Iterator[bytes], most: int, path: str) -> Iterator[bytes]:
    taken = 0
    for block in blocks:
        taken += len(block)
        if taken > most:
            raise ImportTooLarge(f"{path!r} is larger than {most:,} bytes.", where="source.path")
        yield block


def _store(tools: Toolbox, file: DvcFile) -> ManifestEntry:
    path = checked_path(file.path)
    sink = tools.runtime.contents.sink()
    try:
        for block in _within(file.blocks, tools.runtime.settings.max_upload_bytes, path):
            sink.write(block)
    except BaseException:
        sink.abort()
        raise
    stored = sink.close()
    return ManifestEntry(path, stored.md5, stored.size)

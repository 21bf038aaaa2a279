"""`python -m api.openapi_check [REF]`: does `api/openapi.json` break whoever uses the API as it was? `make api-check`.

The older description is the one in git: at REF; else where this branch left main; else before the changes that are not
committed yet; else before the last commit. A break that is meant is a line of `api/intended_breaks.txt`.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from api.breaks import Break, breaks
from api.schema_breaks import Schema

SNAPSHOT = "api/openapi.json"
INTENDED = "api/intended_breaks.txt"


class CheckFailed(Exception):
    """The check could not be made; the message says why, and what to do."""


def main(arguments: Sequence[str], root: Path) -> int:
    """Print a sentence for each break that is not meant. 0: there is none; 1: there is; 2: nothing can be said."""
    try:
        base = _base(root, arguments[0] if arguments else None)
        intended = reasons((root / INTENDED).read_text(encoding="utf-8"))
    except CheckFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    old = _snapshot_at(root, base) if base else None
    if base is None or old is None:
        sys.stdout.write(f"Nothing was checked: git has no earlier {SNAPSHOT} here to compare with.\n")
        return 0
    found = breaks(old, _snapshot(root))
    unmeant = [one for one in found if one.says not in intended]
    sys.stdout.writelines(f"{line}\n" for line in _report(base[:12], unmeant, meant=len(found) - len(unmeant)))
    return 1 if unmeant else 0


def reasons(text: str) -> dict[str, str]:
    """The breaks that are meant, by what they say. Raises `CheckFailed` for a line without a reason."""
    meant = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            says, _, reason = line.partition(" # ")
            if not reason.strip():
                raise CheckFailed(f"{INTENDED}, line {number}: say why, behind ` # `: {line}")
            meant[says.strip()] = reason.strip()
    return meant


def _report(base: str, unmeant: list[Break], *, meant: int) -> Iterator[str]:
    if not unmeant:
        yield f"Nothing breaks who uses the API as it was at {base}" + (
            f", but {meant} that is meant." if meant else "."
        )
        return
    yield f"Who uses the API as it was at {base} breaks:\n"
    for one in unmeant:
        yield f"{one.says}\n    {one.fix}"
    yield f"\nWhat is meant is to be a line of {INTENDED}, with the reason:\n"
    for one in unmeant:
        yield f"{one.says} # because …"


def _base(root: Path, ref: str | None) -> str | None:
    """The commit to compare with. Raises `CheckFailed` for a `ref` that there is not."""
    if ref is not None:
        found = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if not found:
            raise CheckFailed(f"There is no {ref!r} in git. Fetch it, or name a branch, tag or commit that is here.")
        return found
    head = _git(root, "rev-parse", "HEAD")
    for main_branch in ("origin/main", "main"):
        left = _git(root, "merge-base", "HEAD", main_branch)
        if left and left != head:
            return left
    if head and _snapshot_at(root, head) != _snapshot(root):
        return head
    return _git(root, "rev-parse", "--verify", "--quiet", "HEAD^")


def _snapshot(root: Path) -> Schema:
    snapshot: Schema = json.loads((root / SNAPSHOT).read_text(encoding="utf-8"))
    return snapshot


def _snapshot_at(root: Path, commit: str) -> Schema | None:
    text = _git(root, "show", f"{commit}:{SNAPSHOT}")
    snapshot: Schema | None = json.loads(text) if text else None
    return snapshot


def _git(root: Path, *arguments: str) -> str | None:
    """What git answers; None when it refuses."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S607 - the developer's
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))

"""Which code asks: the git commit that a training is sent with, for its lineage."""

import shutil
import subprocess
from pathlib import Path


def code_commit(folder: Path) -> str | None:
    """The commit checked out in the clone around `folder`; None outside of one, or before its first commit."""
    git = shutil.which("git")
    if git is None:
        return None
    asked = subprocess.run([git, "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None

"""Real git repositories for tests: a clone that a person works in, and a bare one that it pushes to."""

import os
import subprocess
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

POINTER = "outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {name}\n"
PERSON = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def digest_of(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Clone:
    """A repository with a work tree."""

    path: Path

    def git(self, *arguments: str, env: dict[str, str] | None = None, check: bool = True) -> str:
        environment = {**os.environ, **PERSON, **(env or {})}
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip() if check else done.stdout + done.stderr

    def write(self, name: str, text: str | bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, message: str, **files: str) -> str:
        """Write files (`__` in a name is a slash, `_` before the end a dot), commit everything, and give the commit."""
        for name, text in files.items():
            self.write(name.replace("__", "/"), text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def point(self, pointer: str, data: bytes, message: str) -> str:
        """Commit a pointer to these bytes, as `dvc add` and `git commit` do."""
        name = Path(pointer).name.removesuffix(".dvc")
        self.write(pointer, POINTER.format(md5=digest_of(data), size=len(data), name=name))
        return self.commit(message)


def new_clone(path: Path) -> Clone:
    path.mkdir(parents=True)
    clone = Clone(path)
    clone.git("init", "--quiet", "-b", "main")
    return clone


def new_remote(path: Path, clone: Clone) -> Path:
    """A bare repository that is the clone's `origin`."""
    clone.git("init", "--quiet", "--bare", "-b", "main", str(path))
    clone.git("remote", "add", "origin", str(path))
    return path

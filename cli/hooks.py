"""Git hooks in a person's clone: put in beside what is there, and taken out again. Files and git only."""

import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.client import ClientError, Status

ROOT = Path(__file__).resolve().parents[1]
HOOKS = ("post-commit", "pre-push")
MARK = "# Written by `millrace git-hook install`; `millrace git-hook uninstall` takes it out."
BEFORE = ".before-millrace"
SECTION = "millrace"
_GONE = "0" * 40


@dataclass(frozen=True)
class Pushed:
    """A branch that will be at `commit` in a moment; None: it will be gone."""

    branch: str
    commit: str | None


class Clone:
    """The clone around a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        top = self._git("rev-parse", "--show-toplevel")
        if top is None:
            raise ClientError(f"{folder} is not in the work tree of a Git repository.", status=Status.USAGE)
        self.top = Path(top)
        hooks = self._git("rev-parse", "--git-path", "hooks") or ".git/hooks"
        self.hooks = (folder / hooks).resolve()  # core.hooksPath is in it

    def addresses(self) -> set[str]:
        """By what the server may know this repository: its folder, and its remotes."""
        urls = (self._git("config", "--get-regexp", r"^remote\..*\.url$") or "").splitlines()
        return {str(self.top)} | {_bare(line.partition(" ")[2]) for line in urls}

    def setting(self, name: str) -> str | None:
        return self._git("config", "--local", "--get", f"{SECTION}.{name}")

    def keep(self, **settings: str | None) -> None:
        """Remember how to reach the server, in the clone's own configuration; never a token."""
        self.forget()
        for name, value in settings.items():
            if value is not None:
                self._git("config", "--local", f"{SECTION}.{name}", value)

    def forget(self) -> None:
        self._git("config", "--local", "--remove-section", SECTION)

    def install(self) -> list[str]:
        """Put the hooks in; a hook that is there is kept, and runs first. Gives what is to be known about it."""
        notes = []
        self.hooks.mkdir(parents=True, exist_ok=True)
        for name in HOOKS:
            hook, before = self.hooks / name, self.hooks / f"{name}{BEFORE}"
            if _exists(hook) and not _is_ours(hook):
                if _exists(before):
                    raise ClientError(
                        f"{hook} is not ours, and {before.name} keeps an older one.",
                        fix=f"Decide which of the two is yours, and remove {before.name}.",
                    )
                hook.rename(before)
                notes.append(f"Your {name} hook stays, and runs first.")
            hook.write_text(_script(name), encoding="utf-8")
            hook.chmod(0o755)
        if not self.hooks.is_relative_to(self.top / ".git") and self._git("config", "--get", "core.hooksPath"):
            notes.append(f"core.hooksPath is set: the hooks are in {self.hooks}.")
        return notes

    def uninstall(self) -> int:
        """Take the hooks out and put back what was there; how many were found."""
        found = 0
        for name in HOOKS:
            hook, before = self.hooks / name, self.hooks / f"{name}{BEFORE}"
            if _exists(hook) and _is_ours(hook):
                hook.unlink()
                found += 1
                if _exists(before):
                    before.rename(hook)
        self.forget()
        return found

    def _git(self, *arguments: str) -> str | None:
        git = shutil.which("git")
        if git is None:
            raise ClientError("There is no git on this machine.", status=Status.USAGE)
        asked = subprocess.run([git, *arguments], cwd=self._folder, capture_output=True, text=True, check=False)
        return asked.stdout.strip() if asked.returncode == 0 else None


def pushed(lines: list[str]) -> list[Pushed]:
    """What git tells a pre-push hook: local name and commit, remote name and commit, a line for each ref."""
    found = []
    for line in lines:
        parts = line.split()
        if len(parts) == 4 and parts[2].startswith("refs/heads/"):
            commit = None if parts[1].startswith(_GONE) else parts[1]
            found.append(Pushed(parts[2].removeprefix("refs/heads/"), commit))
    return found


def same_address(one: str, others: set[str]) -> bool:
    return _bare(one) in {_bare(other) for other in others}


def _bare(address: str) -> str:
    return address.rstrip("/").removesuffix(".git")


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _is_ours(hook: Path) -> bool:
    try:
        return MARK in hook.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _script(name: str) -> str:
    """A hook that runs the one before it, and then tells the server; whatever becomes of that, git goes on."""
    us = shlex.join([sys.executable, "-P", "-m", "cli.main", "git-hook", "run", name])
    tell = f'PYTHONPATH={shlex.quote(str(ROOT))}"${{PYTHONPATH:+:$PYTHONPATH}}" {us}'
    lines = ["#!/bin/sh", MARK, f'before="$(dirname "$0")/{name}{BEFORE}"']
    if name == "pre-push":  # git tells it on standard input, which both read
        lines += [
            'refs="$(cat)"',
            'say() { if [ -n "$refs" ]; then printf "%s\\n" "$refs"; fi; }',
            'if [ -x "$before" ]; then say | "$before" "$@" || exit $?; fi',
            f"say | {tell} || :",
        ]
    else:
        lines += ['if [ -x "$before" ]; then "$before" "$@" || exit $?; fi', f"{tell} </dev/null || :"]
    return "\n".join([*lines, "exit 0", ""])

"""Which dataset a pointer belongs to, and what counts as code."""

import pytest

from domain.repositories.pointers import DvcConfig, dataset_of, follows, is_code, is_pointer, parse_config

CONFIG = """
# as dvc writes it
[core]
    remote = main
    autostage = true
['remote "main"']
    url = http://host:8000/dvc/train
    auth = custom
['remote "other"']
    url = s3://bucket/dvc/eval
[remote "plain"]
    url = "https://host/x/dvc/plain/"
"""


class TestParseConfig:
    def test_reads_remotes_and_the_default(self) -> None:
        config = parse_config(CONFIG)
        assert config.default == "main"
        assert {name: remote["url"] for name, remote in config.remotes.items()} == {
            "main": "http://host:8000/dvc/train",
            "other": "s3://bucket/dvc/eval",
            "plain": "https://host/x/dvc/plain/",
        }

    @pytest.mark.parametrize("text", ["", "[core", "\x00", "x = 1", "[a]\n[a]\nx", "remote = %(x)s", "[core]\nremote"])
    def test_what_cannot_be_read_names_nothing(self, text: str) -> None:
        assert parse_config(text) == DvcConfig(None, {})


class TestDatasetOf:
    @pytest.mark.parametrize(
        ("path", "mapping", "remote", "known", "found"),
        [
            ("a/x.csv.dvc", {"a/x.csv.dvc": "mapped"}, None, set(), "mapped"),
            ("a/x.csv.dvc", {"x.csv.dvc": "mapped"}, None, set(), "train"),
            ("a/x.csv.dvc", {}, None, set(), "train"),
            ("a/x.csv.dvc", {}, "plain", set(), "plain"),
            ("a/x.csv.dvc", {}, "other", set(), None),
            ("a/x.csv.dvc", {}, "other", {"x"}, "x"),
            ("a/x.csv.dvc", {}, "other", {"x", "x.csv"}, "x.csv"),
            ("imgs.dvc", {}, "unknown", {"imgs"}, "imgs"),
        ],
    )
    def test_is_the_mapped_one_or_its_remotes_or_its_namesake(
        self, *, path: str, mapping: dict[str, str], remote: str | None, known: set[str], found: str | None
    ) -> None:
        assert dataset_of(path, mapping=mapping, remote=remote, config=parse_config(CONFIG), known=known) == found


@pytest.mark.parametrize(
    ("path", "pointer", "code"),
    [
        ("data/x.csv.dvc", True, False),
        ("x.dvc", True, False),
        (".dvc", False, True),
        (".dvc/config", False, False),
        ("sub/.dvc/config", False, False),
        (".dvcignore", False, False),
        ("data/.gitignore", False, False),
        ("train.py", False, True),
        ("dvc.yaml", False, True),
        ("dvc.lock", False, True),
        ("data/.dvc.py", False, True),
    ],
)
def test_pointers_and_dvcs_own_files_are_no_code(path: str, *, pointer: bool, code: bool) -> None:
    assert (is_pointer(path), is_code(path)) == (pointer, code)


@pytest.mark.parametrize(
    ("branch", "patterns", "followed"),
    [
        ("main", [], True),
        ("next", [], False),
        ("next", ["next"], True),
        ("release/1", ["release/*"], True),
        ("Release/1", ["release/*"], False),
    ],
)
def test_branches_are_followed_by_name_or_pattern(branch: str, patterns: list[str], *, followed: bool) -> None:
    assert follows(branch, patterns, "main") == followed

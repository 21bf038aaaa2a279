"""`millrace open`: where the dashboard has a thing."""

import json

import pytest

from cli.client import ClientError
from cli.nouns.browse import path_of
from tests.cli.conftest import Millrace


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("loop", "/"),
        ("datasets", "/datasets"),
        ("datasets/bikes", "/datasets/bikes"),
        ("datasets/bikes@3", "/datasets/bikes/versions/3"),
        ("models/bikes/versions/3", "/models/bikes/versions/3"),
        ("runs/01a2", "/runs/01a2"),
        ("endpoints/a b?c", "/endpoints/a%20b%3Fc"),
        ("/jobs/01a2/", "/jobs/01a2"),
        ("mlflow", "/mlflow/"),
        ("docs", "/docs"),
    ],
)
def test_a_thing_has_its_page(page: str, path: str) -> None:
    assert path_of(page) == path


@pytest.mark.parametrize("page", ["dataset/bikes", "//evil.example.org", "", "../admin"])
def test_what_has_none_is_refused(page: str) -> None:
    with pytest.raises(ClientError):
        path_of(page)


def test_a_near_miss_gets_the_whole_page() -> None:
    with pytest.raises(ClientError) as refused:
        path_of("dataset/bikes")
    assert refused.value.fix == "Did you mean 'datasets/bikes'?"


def test_the_address_is_printed_and_nothing_asked(bare: Millrace) -> None:
    result = bare("open", "models/bikes@3", "--print", "--url", "https://ml.example.org/", "--json")
    assert json.loads(result.stdout) == {"url": "https://ml.example.org/models/bikes/versions/3", "opened": False}

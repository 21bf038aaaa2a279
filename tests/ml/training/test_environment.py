"""The environment names what changes a model's numbers, and its digest follows."""

import numpy as np

from ml.environment import environment, environment_digest


def test_names_the_libraries_that_are_installed() -> None:
    found = environment()
    assert found["numpy"] == np.__version__
    assert {"python", "platform", "scikit-learn", "onnxruntime"} <= set(found)


def test_digest_follows_content_and_not_order() -> None:
    found = environment()
    assert environment_digest(dict(reversed(found.items()))) == environment_digest(found)
    assert environment_digest(found | {"numpy": "0"}) != environment_digest(found)

"""Switches while requests come: none fails, none is answered by a mixture, and memory stays where it was."""

import asyncio

import pytest

from bench import flips

pytestmark = pytest.mark.slow


def test_no_request_fails_and_no_answer_is_mixed_while_routes_flip() -> None:
    found = asyncio.run(flips.run(flips=120, rate=150))
    assert dict(found.wrong) == {}
    assert found.flips == 120
    assert min(found.versions[1], found.versions[2]) > found.requests / 5
    # The first segments bring libraries along; from then on it is flat.
    assert found.memory[-1] - found.memory[60] < 30 * 2**20

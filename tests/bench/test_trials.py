"""The proof of the analysis, at a size for every day: `python -m bench trials` has it at the full one."""

import pytest

from bench.trials import EQUALS, FAULTS, ends, told_by


@pytest.mark.parametrize("name", EQUALS)
def test_equals_are_not_failed(name: str) -> None:
    assert [end.verdict for end in ends(name, "equal", 2, peeks=0.3)].count("fail") == 0


@pytest.mark.parametrize(("name", "steps"), [(name, steps) for name in FAULTS for steps in told_by(name)])
def test_faulty_ones_are_failed(name: str, steps: str) -> None:
    assert {end.verdict for end in ends(name, "faulty", 3, steps=steps, peeks=0.2)} == {"fail"}

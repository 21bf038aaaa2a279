"""Evidence and decision as one record, and the digest over it. What a replay starts from."""

import json
from hashlib import sha256
from typing import Any, Literal

from pydantic import BaseModel, Field

from domain.datasets.specs import Spec
from domain.model_checks.specs import ModelCheckResult, PairedComparison, SuiteReport, Verdict


class Allotment(Spec):
    """What a comparison may use of the alpha of its holdout. `holdout` is None on rows that nothing was compared on."""

    rule: Literal["bonferroni", "investing", "none"]
    alpha: float
    share: float | None = Field(description="The level of this comparison; none when the budget is spent.")
    number: int = Field(description="Which comparison on the holdout this is, from 1.")
    window: int | None
    left: float | None = Field(description="What was left before this comparison; none without a budget.")
    holdout: str | None
    message: str
    repeats: str | None = Field(
        default=None, description="The promotion that asked the same before; its comparison stands, nothing is spent."
    )


class Exclusion(Spec):
    """Frozen rows that were left out of the comparison."""

    reason: str
    rows: int


class Contender(Spec):
    """A version as it was compared: package, run, code, environment, data and the rows it was trained on."""

    version: int
    package_digest: str
    run_id: str
    code_commit: str | None
    environment_digest: str
    dataset_digest: str
    train_inputs_md5: str = ""


class Evidence(Spec):
    """All that the decision rests on; immutable once recorded."""

    policy_version: int
    policy_digest: str = ""
    candidate_version: int
    champion_version: int | None
    candidate: Contender | None = None
    champion: Contender | None = None
    task: str = ""
    target: str = ""
    seed: int = 0
    millrace: str = Field(default="", description="The version of the platform that gathered this.")
    check_report_id: str | None
    checks: list[ModelCheckResult] = Field(default=[], description="Of the policy's own checks, in its order.")
    suites: list[SuiteReport] = Field(default=[])
    pins: ModelCheckResult | None = None
    pin_ids: list[str] = Field(default=[], description="The mistakes pinned at that time: each must be got right.")
    frozen_rows: str | None = Field(description="`dataset@n` and digest, or the run whose test rows were used.")
    rows_md5: str | None = Field(default=None, description="The rows that were compared on, kept in the store.")
    excluded: list[Exclusion] = Field(default=[])
    alpha: Allotment | None = None
    comparison: PairedComparison | None
    missing: list[str] = Field(default=[], description="Evidence the policy asks for that is not there.")
    unchecked: list[str] = Field(default=[], description="Why the checks do not count for the policy as it is.")


class GateVerdict(Spec):
    gate: str
    verdict: Verdict
    message: str
    details: dict[str, Any] = Field(default={})


class Decision(Spec):
    verdict: Verdict
    gates: list[GateVerdict]
    reason: str


def canonical(value: Any) -> bytes:
    """JSON with one spelling: sorted keys, no spaces, UTF-8."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return sha256(canonical(value)).hexdigest()

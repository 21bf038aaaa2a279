"""A version before its checks: its rows and models at hand, results that are known already, and the run of the rest."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import numpy as np
import polars as pl

import ml
from domain.errors import DomainError, Unavailable
from domain.experiments.models import Run
from domain.model_checks import kept
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec
from domain.training.imports import TRAINER, training_rows_known
from ml.model_checks.guard import FailedEvidence
from ml.model_checks.subject import Subject
from ml.model_checks.table import BROKEN, OnResult, run_on, subject_of
from ml.models import Model, Predictions
from serving.engine import Loaded
from serving.errors import ModelFailed
from serving.packages import PackageCache
from workers.isolation import isolated, resident_mb
from workers.packages import is_trusted, open_safely
from workers.scoring import engine, seen_rows
from workers.toolbox import Toolbox

THREADS: Final = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Examined:
    """The rows that a version is examined on. `rows_digest` names them; `fresh`: nothing known is used again."""

    run: Run
    package_digest: str
    rows: pl.DataFrame
    rows_digest: str
    fresh: bool = False


@dataclass
class Examination:
    """Runs lists of checks on one subject, and collects in `found` what is worth keeping, by its key."""

    tools: Toolbox
    case: Examined
    subject: Subject
    found: dict[str, ModelCheckResult] = field(default_factory=dict)

    def run(
        self, checks: Sequence[ModelCheckSpec], lexicons: Mapping[str, Sequence[str]], on_result: OnResult
    ) -> list[ModelCheckResult]:
        """One result per check, in their order: found again where the same was asked before, else found now."""
        keys = [self._key(check, lexicons) for check in checks]
        known: dict[str, ModelCheckResult] = {}
        if not self.case.fresh:
            with self.tools.runtime.reading() as session:
                known = kept.find(session, keys)
        for key in keys:
            if key in known:
                on_result(known[key])
        waiting = [place for place, key in enumerate(keys) if key not in known]
        subject = self.subject.with_lexicons(lexicons)
        results = run_on(subject, [checks[place] for place in waiting], threads=THREADS, on_result=on_result)
        new = dict(zip(waiting, results, strict=True))
        # What broke may hold the next time: the machine was slow, or had no memory left.
        self.found |= {keys[place]: one for place, one in new.items() if BROKEN not in one.details}
        return [new[place] if place in new else known[key] for place, key in enumerate(keys)]

    def _key(self, check: ModelCheckSpec, lexicons: Mapping[str, Sequence[str]]) -> str:
        return kept.key_of(
            check,
            lexicons=lexicons,
            package_digest=self.case.package_digest,
            rows_digest=self.case.rows_digest,
            seed=self.case.run.seed,
            code=code_of_checks(),
        )


@contextmanager
def examination(tools: Toolbox, case: Examined, checks: Sequence[ModelCheckSpec]) -> Iterator[Examination]:
    """Opens what the checks need. Raises `FailedEvidence` when the model cannot even be loaded."""
    run = case.run
    with ExitStack() as stack:
        model = stack.enter_context(open_safely(tools, case.package_digest))
        kinds = {check.gate for check in checks}
        subject = subject_of(
            model=model,
            frame=case.rows,
            metrics=run.metrics,
            seed=run.seed,
            curve=[(step, losses) for step, losses in run.curve],
            seen_share=_seen_share(tools, case, model),
            trained=_trained(tools, case, stack) if "serving_parity" in kinds else None,
            served=_AsServed(tools, case.package_digest, stack),
        )
        yield Examination(tools, case, subject)


class _AsServed:
    """The package in an engine like the one that serves, opened when it is first asked."""

    def __init__(self, tools: Toolbox, digest: str, stack: ExitStack) -> None:
        self._tools, self._digest, self._stack = tools, digest, stack

    @cached_property
    def _loaded(self) -> Loaded:
        return self._stack.enter_context(engine(self._tools)).load(self._digest)

    def predict(self, instances: Sequence[dict[str, Any]]) -> Predictions:
        try:
            return self._loaded.model.predict(instances)
        except ModelFailed as error:
            raise FailedEvidence(f"As it is served: {error.message}", how="crashed") from error

    def resident_mb(self, instances: Sequence[dict[str, Any]]) -> float:
        directory, _ = PackageCache(self._tools.runtime.models, self._tools.scratch / "packages").fetch(self._digest)
        trusted = is_trusted(self._tools, self._digest)
        return resident_mb(directory, instances, scratch=self._tools.scratch, trusted=trusted)


def _trained(tools: Toolbox, case: Examined, stack: ExitStack) -> Model | None:
    """The model as MLflow keeps it; None when it is not there any more."""
    if case.run.mlflow_model_uri is None:
        return None
    directory, package = PackageCache(tools.runtime.models, tools.scratch / "packages").fetch(case.package_digest)
    folder = Path(mkdtemp(dir=tools.scratch))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    try:
        model = tools.tracking.download_model(case.run.mlflow_model_uri, folder)
        if package.flavor == "onnx" and case.run.trainer == TRAINER:  # it is what was logged, behind our feeds
            return None
        trusted = is_trusted(tools, case.package_digest)
        opened = isolated(package, directory, scratch=tools.scratch, kind="trained", model=model, trusted=trusted)
        return stack.enter_context(opened)
    except Unavailable:
        raise
    except DomainError:
        return None


def _seen_share(tools: Toolbox, case: Examined, model: Model) -> float | None:
    """Share of the rows that the model was trained on, by inputs and truth: equal inputs alone may be chance."""
    names = [*(column.name for column in model.signature.inputs), model.signature.target]
    if not training_rows_known(case.run) or case.rows.is_empty() or not set(names) <= set(case.rows.columns):
        return None
    return float(seen_rows(tools, case.rows, names, case.run.train_rows_md5).mean())


@lru_cache(maxsize=1)
def code_of_checks() -> str:
    """The digest of all code that computes results: another one may come to another result."""
    digest = sha256()
    for path in sorted(Path(next(iter(ml.__path__))).rglob("*.py")):
        digest.update(path.read_bytes())
    digest.update(f"{np.__version__} {pl.__version__}".encode())
    return digest.hexdigest()

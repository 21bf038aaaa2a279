"""Champion and candidate on the same rows that neither was trained on. Called by the handlers of promotions."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.model_checks.specs import PairedComparison
from domain.promotions.champion import ChampionGate, NamedSlice
from domain.promotions.evidence import Contender, Exclusion
from domain.registry.specs import Task
from ml.comparison.compare import compare
from ml.models import Predictions
from ml.predicates import row_predicate
from workers.scoring import engine, score, seen_rows
from workers.toolbox import Toolbox

_SLICES_OF_A_COLUMN = 50


class CannotPair(Invalid):
    """The frozen rows do not allow the comparison that the policy asks for."""

    code = "cannot_pair"


@dataclass(frozen=True)
class Side:
    """A version with the columns it needs."""

    facts: Contender
    features: list[str]


@dataclass(frozen=True)
class Pairing:
    """What both models are asked, and what is asked about them."""

    task: Task
    target: str
    seed: int
    gate: ChampionGate
    sides: Mapping[str, Side]


def unseen_rows(tools: Toolbox, frame: pl.DataFrame, pairing: Pairing) -> tuple[pl.DataFrame, list[Exclusion]]:
    """The rows that can be compared on, in the order the gate asks for, and those left out for each reason.

    Raises `CannotPair` when columns are lacking, or when no row is left.
    """
    wanted = [name for name in [pairing.gate.order_by, *_columns(pairing.gate)] if name is not None]
    for who, needed in {**{name: side.features for name, side in pairing.sides.items()}, "gate": wanted}.items():
        lacking = [name for name in [*needed, pairing.target] if name not in frame.columns]
        if lacking:
            raise CannotPair(f"The frozen rows lack {', '.join(lacking)}, which the {who} needs.", where="on")
    excluded = []
    known = frame.filter(pl.col(pairing.target).is_not_null())
    excluded.append(Exclusion(reason=f"they have no {pairing.target!r}", rows=frame.height - known.height))
    if pairing.gate.order_by is not None:
        timed = known.filter(pl.col(pairing.gate.order_by).is_not_null()).sort(
            pairing.gate.order_by, maintain_order=True
        )
        reason = f"they have no {pairing.gate.order_by!r} to be ordered by"
        excluded.append(Exclusion(reason=reason, rows=known.height - timed.height))
        known = timed
    seen = {name: _trained_on(tools, known, side, pairing.target) for name, side in pairing.sides.items()}
    for name, mine in seen.items():
        others = [mask for other, mask in seen.items() if other != name]
        only = mine & ~np.logical_or.reduce(others)
        excluded.append(Exclusion(reason=f"the {name} was trained on them", rows=int(only.sum())))
    both = np.logical_and.reduce(list(seen.values()))
    excluded.append(Exclusion(reason="both were trained on them", rows=int(both.sum())))
    unseen = known.filter(~pl.Series(np.logical_or.reduce(list(seen.values()))))
    told = [one for one in excluded if one.rows]
    if unseen.is_empty():
        why = "; ".join(f"{one.rows}: {one.reason}" for one in told) or "there are none"
        raise CannotPair(
            f"No frozen row is left that neither was trained on ({why}). Name other rows in the gate's `on`.",
            where="on",
        )
    return unseen, told


def answers_of(tools: Toolbox, frame: pl.DataFrame, pairing: Pairing) -> dict[str, Predictions]:
    """What each side answers for the rows, as it is served."""
    with engine(tools) as models:
        return {name: score(models.load(side.facts.package_digest), frame) for name, side in pairing.sides.items()}


def compared(
    frame: pl.DataFrame, answers: Mapping[str, Predictions], pairing: Pairing, *, alpha: float, left_out: int
) -> PairedComparison:
    """The paired test that the gate asks for, at the level `alpha`."""
    gate = pairing.gate
    return compare(
        gate.metric,
        frame[pairing.target].to_list(),
        answers["champion"],
        answers["candidate"],
        task=pairing.task,
        alpha=alpha,
        min_effect=gate.least if gate.require == "superiority" else 0.0,
        hypothesis=gate.require,
        margin=gate.margin or 0.0,
        test=gate.test,
        time_ordered=gate.order_by is not None,
        slices=slices_of(frame, gate),
        slice_margin=gate.slice_margin or 0.0,
        slice_min_rows=gate.slice_min_rows,
        power=gate.power,
        seed=pairing.seed,
        rows_excluded=left_out,
    )


def slices_of(frame: pl.DataFrame, gate: ChampionGate) -> dict[str, NDArray[np.int64]]:
    """Row indexes by the label of each slice: the values of a column, or the rows of a predicate."""
    found: dict[str, NDArray[np.int64]] = {}
    for one in gate.slices:
        if isinstance(one, NamedSlice):
            holds = frame.select(row_predicate(one.where, frame.lazy()).fill_null(value=False)).to_series()
            found[one.name] = np.flatnonzero(holds.to_numpy()).astype(np.int64)
            continue
        values = frame[one].cast(pl.String).fill_null("(none)")
        names = values.unique().sort().to_list()
        if len(names) > _SLICES_OF_A_COLUMN:
            raise CannotPair(
                f"{one!r} has {len(names)} values; at most {_SLICES_OF_A_COLUMN} can be slices. Name predicates.",
                where="slices",
            )
        found |= {f"{one} = {name}": np.flatnonzero((values == name).to_numpy()).astype(np.int64) for name in names}
    return found


def parquet(frame: pl.DataFrame) -> bytes:
    """The same rows in the same order give the same bytes, and so the same MD5."""
    out = BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def _trained_on(tools: Toolbox, frame: pl.DataFrame, side: Side, target: str) -> NDArray[np.bool_]:
    return seen_rows(tools, frame, side.features, side.facts.train_inputs_md5)


def _columns(gate: ChampionGate) -> list[str]:
    return [one for one in gate.slices if isinstance(one, str)]

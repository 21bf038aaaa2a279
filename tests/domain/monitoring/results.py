"""What windows come to, as plain values: for tests of what is made of it."""

from collections.abc import Sequence

from domain.monitoring.specs import DriftResult, FeatureDrift, PerformanceResult


def feature(name: str, *, drifted: bool = False, broken: str | None = None) -> FeatureDrift:
    return FeatureDrift(
        name=name,
        kind="number",
        n_reference=1000,
        n=500,
        psi=2.0 if drifted else 0.01,
        js=0.1,
        kl=0.1,
        test="ks",
        statistic=0.5,
        p_value=0.5,
        q_value=0.5,
        threshold=0.2,
        null_share=0.0,
        null_share_reference=0.0,
        drifted=drifted,
        broken=broken is not None,
        reason=broken,
    )


def drift(*, drifted: Sequence[str] = (), broken: Sequence[str] = ()) -> DriftResult:
    """Over features `temp`, `hum` and the prediction, besides those named."""
    names = dict.fromkeys([*broken, *drifted, "temp", "hum", "(prediction)"])
    return DriftResult(
        rows=500,
        features=[
            feature(name, drifted=name in drifted, broken="stuck on 3" if name in broken else None) for name in names
        ],
        drifted=list(drifted),
        broken=list(broken),
    )


def quality(value: float, *, reference: float | None = 20.0, degraded: bool | None = None) -> PerformanceResult:
    loss = (value - reference) / reference if reference else None
    return PerformanceResult(
        metric="mae",
        value=value,
        reference=reference,
        labelled=500,
        rows=500,
        loss=loss,
        degraded=degraded if degraded is not None else loss is not None and loss > 0.25,
    )

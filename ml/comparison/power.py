"""How many rows would tell, and what these rows can tell. By the normal approximation, called by `compare`."""

import math
from typing import Final

from scipy.stats import norm

_LARGEST_FACTOR: Final = 1e6


def power_at(distance: float, error: float, alpha: float) -> float | None:
    """Probability that a one-sided test at `alpha` tells an effect that lies `distance` from the bar."""
    if not math.isfinite(error):
        return None
    if error == 0:
        return 1.0 if distance else alpha
    return float(norm.cdf(abs(distance) / error - norm.isf(alpha)))


def detectable(bar: float, error: float, alpha: float, power: float) -> float | None:
    """The smallest effect that these rows tell from `bar` with `power`."""
    return bar + float((norm.isf(alpha) + norm.isf(1 - power)) * error) if math.isfinite(error) else None


def rows_needed(rows: int, distance: float, error: float, alpha: float, power: float) -> int | None:
    """Rows of the same kind at which an effect `distance` from the bar is told with `power`; more than `rows`.

    None when no number of rows would: the effect is the bar.
    """
    if distance == 0 or not math.isfinite(error):
        return None
    if error == 0:  # the sign test of rows that do not vary
        return max(rows + 1, math.ceil(-math.log2(alpha)))
    factor = min(abs(float(norm.isf(alpha) + norm.isf(1 - power)) * error / distance), _LARGEST_FACTOR**0.5) ** 2
    return max(rows + 1, math.ceil(rows * float(factor)))

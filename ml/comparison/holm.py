"""Holm's correction for several tests at once. Called by `ml.comparison.slices`.

Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6:65 (1979).
"""

from collections.abc import Sequence


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Each p-value adjusted: at most alpha of them by chance is at or below alpha, whichever hypotheses are true."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    found, largest = [0.0] * len(p_values), 0.0
    for step, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - step) * p_values[place]))
        found[place] = largest
    return found

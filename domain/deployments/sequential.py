"""Tests that may be looked at after each request: e-values of counts. Pure; `analysis` puts them together.

An e-value is what a bet against "the candidate is good enough" has made of a stake of one. Whenever it is looked at,
the chance that it ever reached `x` for a good candidate is at most `1/x` (Ville's inequality). Averages of e-values
and products over consecutive stretches of data are e-values. All functions return natural logarithms.

Sources: Robbins 1970 (mixtures); Lindon and Malek 2022, "Anytime-valid inference for multinomial count data";
Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting".
"""

import math
from collections.abc import Sequence
from functools import lru_cache

_TINY = 1e-300
_LONGEST = 100_000
# Bets from a half of what may be lost down to almost nothing, in equal parts: one is near the best, whatever that is.
_BETS = tuple(2.0**-power for power in range(1, 9))
# Per step: how many requests the candidate is given for one of the control, its bad events, and the control's.
BadCounts = Sequence[tuple[float, int, int]]
# Per step: hits and misses.
Shares = Sequence[tuple[int, int]]


def share_of_bad(odds: float, ratio: float) -> float:
    """Of bad events, the share that the candidate may have when its requests are `odds` to one of the control's.

    Requests are drawn by lot. So with equal rates of bad events each is the candidate's with the chance
    odds/(odds + 1), whatever the rate, and however it changes over time; and with a rate `ratio` times as high,
    ratio*odds/(ratio*odds + 1).
    """
    return ratio * odds / (ratio * odds + 1)


@lru_cache(maxsize=10_000)  # of a step that is over, and of most edges, the counts are the same at each look
def log_e_above(bound: float, hits: int, misses: int) -> float:
    """Against "each of these events was a hit with a chance of at most `bound`, given what came before".

    The bet is a mixture, even over all chances above the bound. A chance below the bound makes each part
    of it shrink on average, so it holds for the whole hypothesis and not for its edge alone.
    """
    if not 0 < bound < 1:  # nothing can be a hit, or everything may
        return 0.0
    posterior = log_beta(hits + 1, misses + 1) + log_beta_above(bound, hits + 1, misses + 1)
    return posterior - math.log1p(-bound) - hits * math.log(bound) - misses * math.log1p(-bound)


def log_e_below(bound: float, hits: int, misses: int) -> float:
    """The reverse: against "each was a hit with a chance of at least `bound`"."""
    return log_e_above(1 - bound, misses, hits)


def log_e_more(counts: BadCounts, ratio: float) -> float:
    """Against "bad events befell the candidate at most `ratio` times as often as the control", over steps by lot."""
    return over_steps([log_e_above(share_of_bad(odds, ratio), bad, control) for odds, bad, control in counts])


def log_e_less(counts: BadCounts, ratio: float) -> float:
    """The reverse: against "at least `ratio` times as often"."""
    return over_steps([log_e_below(share_of_bad(odds, ratio), bad, control) for odds, bad, control in counts])


def log_e_over(counts: Shares, bound: float) -> float:
    """Against "at most this share are hits", over steps."""
    return over_steps([log_e_above(bound, hits, misses) for hits, misses in counts])


def log_e_under(counts: Shares, bound: float) -> float:
    """The reverse: against "at least this share"."""
    return over_steps([log_e_below(bound, hits, misses) for hits, misses in counts])


def log_e_difference(margin: float, reach: tuple[float, float], hits: tuple[int, int], requests: int) -> float:
    """Against "an answer is in a set at most `margin` more often by the candidate than by the control".

    `reach` holds the chances with which a request is given to the candidate, and to the control; `hits` how many of
    their answers are in the set. Per request, the bet `b` is multiplied by 1 + b/reach for a hit of the candidate, by
    1 - b/reach for one of the control, and by 1/(1 + b*margin). A request given to both is no exception:
    what the two hits are multiplied by together is less than the sum of the parts. Copies that are dropped only
    lower it.
    """
    candidate, control = reach
    if candidate <= 0 or control <= 0 or requests == 0:
        return 0.0
    bets = (part * control for part in _BETS)
    return log_mean(
        [
            hits[0] * math.log1p(bet / candidate)
            + hits[1] * math.log1p(-bet / control)
            - requests * math.log1p(bet * margin)
            for bet in bets
        ]
    )


def log_e_alike(
    margin: float, reach: tuple[float, float], answers: Shares, none: tuple[int, int], requests: int
) -> float:
    """Against "some set of answers is given at least `margin` more often by the candidate".

    `answers` holds how often each was given by the candidate and by the control, `none` how many requests of each got
    no answer. All that is not in the set is then given so much less often, and that is what `log_e_difference` is
    asked of. Nobody knows the set: so each bet is left with the one that is worst for it, and none is paid for.
    """
    candidate, control = reach
    if candidate <= 0 or control <= 0 or requests == 0:
        return 0.0
    logs = []
    for part in _BETS:
        bet = part * control
        gain, loss = math.log1p(bet / candidate), math.log1p(-bet / control)
        rest = sum(min(mine * gain + other * loss, 0.0) for mine, other in answers)
        logs.append(rest + none[0] * gain + none[1] * loss - requests * math.log1p(-bet * margin))
    return log_mean(logs)


def over_steps(logs: Sequence[float]) -> float:
    """One e-value of consecutive steps, which sees a fault that begins at any of them.

    The product from each step on, weighted by 1/(k(k+1)) for the k-th; what is left of the stake waits for later steps.
    """
    waiting = len(logs) + 1
    parts = [-math.log(waiting)]
    product = 0.0
    for step in range(len(logs), 0, -1):
        product += logs[step - 1]
        parts.append(product - math.log(step * (step + 1)))
    return log_sum(parts)


def log_mean(logs: Sequence[float]) -> float:
    return log_sum(logs) - math.log(len(logs))


def log_sum(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(each - top) for each in logs))


def divergence(chance: float, other: float) -> float:
    """Kullback-Leibler, in nats, of one event with `chance` when the other is believed: what a bet wins per event."""
    first = chance * math.log(chance / other) if chance > 0 else 0.0
    second = (1 - chance) * math.log((1 - chance) / (1 - other)) if chance < 1 else 0.0
    return first + second


def log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_beta_above(x: float, a: float, b: float) -> float:
    """log P(X > x) of a beta distribution, also where the probability is below what a float holds."""
    if x < (a + 1) / (a + b + 2):
        return math.log1p(-min(math.exp(_log_beta_tail(x, a, b)), 1 - 1e-16))
    return _log_beta_tail(1 - x, b, a)


def _log_beta_tail(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, log I_x(a, b), for x below the mean, by Lentz's continued fraction."""
    front = a * math.log(x) + b * math.log1p(-x) - log_beta(a, b) - math.log(a)
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _LONGEST):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for term in (even, odd):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            fraction *= c * d
        if abs(fraction - before) <= 1e-14 * abs(fraction):
            break
    return front + math.log(fraction)


def _apart(value: float) -> float:
    """The value, kept apart from zero, as Lentz's method needs it."""
    return value if abs(value) > _TINY else _TINY

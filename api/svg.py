"""Small plots for a page that must stand alone: intervals against a bar, and a budget. Pure, and escaped."""

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _LABEL, _ROW = 720, 210, 30
Interval = tuple[str, float, float, float]


def interval_plot(intervals: Sequence[Interval], *, bar: float) -> Markup:
    """Each (label, low, value, high) as a line with a dot, shares as per cent; the bar that `low` must reach."""
    ends = [bar, 0.0, *(end for _, low, value, high in intervals for end in (low, value, high))]
    least, most = min(ends), max(ends)
    room = (most - least) * 0.08 or 0.01
    least, most = least - room, most + room

    def x(value: float) -> float:
        return round(_LABEL + (value - least) / (most - least) * (_WIDTH - _LABEL - 90), 1)

    height = _ROW * len(intervals) + 36
    parts = [
        Markup('<line class="zero" x1="{0}" x2="{0}" y1="6" y2="{1}"/>').format(x(0.0), height - 30),
        Markup('<line class="bar" x1="{0}" x2="{0}" y1="6" y2="{1}"/>').format(x(bar), height - 30),
        Markup('<text class="note" x="{}" y="{}" text-anchor="middle">bar {:+.1%}</text>').format(
            x(bar), height - 14, bar
        ),
    ]
    for place, (label, low, value, high) in enumerate(intervals):
        y = 6 + _ROW * place + _ROW / 2
        held = "held" if low >= bar else "open" if high >= bar else "missed"
        parts += [
            Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(_LABEL - 14, y + 5, label),
            Markup('<line class="{0}" x1="{1}" x2="{2}" y1="{3}" y2="{3}"/>').format(held, x(low), x(high), y),
            Markup('<circle class="{}" cx="{}" cy="{}" r="5"/>').format(held, x(value), y),
            Markup('<text class="note" x="{}" y="{}">{:+.1%}</text>').format(_WIDTH - 76, y + 5, value),
        ]
    return _svg(height, parts, "The effect with its bounds, and the bar it has to reach.")


def budget_bar(alpha: float, *, left: float, share: float) -> Markup:
    """The whole alpha of the holdout, what was left of it, and the share that this comparison took."""
    whole = _WIDTH - 20

    def width(part: float) -> float:
        return round(max(0.0, min(1.0, part / alpha)) * whole, 1)

    start = round(10 + whole - width(left), 1)
    told = "alpha {:.3g}; left before this comparison {:.3g}; taken {:.3g}"
    parts = [
        Markup('<rect class="spent" x="10" y="8" width="{}" height="22" rx="4"/>').format(whole),
        Markup('<rect class="left" x="{}" y="8" width="{}" height="22"/>').format(start, width(left)),
        Markup('<rect class="share" x="{}" y="8" width="{}" height="22"/>').format(start, max(2.0, width(share))),
        Markup('<text class="note" x="10" y="48">{}</text>').format(told.format(alpha, left, share)),
    ]
    return _svg(56, parts, "The alpha of this holdout and what this comparison took of it.")


def _svg(height: float, parts: Sequence[Markup], said: str) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, height, said)
    return head + Markup("").join(parts) + Markup("</svg>")

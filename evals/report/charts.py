"""Charts as inline SVG; colours come from the page's style, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 420, 280, 44, 40, 12, 12


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - BOTTOM - TOP)


def _frame(title: str, across: str, up: str, inner: str) -> str:
    ticks = "".join(
        f'<line class="grid" x1="{_x(0):.0f}" x2="{_x(1):.0f}" y1="{_y(v):.1f}" y2="{_y(v):.1f}"/>'
        f'<text class="tick" x="{_x(0) - 6:.0f}" y="{_y(v) + 4:.1f}" text-anchor="end">{v:g}</text>'
        f'<text class="tick" x="{_x(v):.1f}" y="{_y(0) + 16:.0f}" text-anchor="middle">{v:g}</text>'
        for v in (0, 0.25, 0.5, 0.75, 1)
    )
    turned = f'transform="translate(12 {(_y(0) + _y(1)) / 2:.0f}) rotate(-90)"'
    names = (
        f'<text class="axis" x="{(_x(0) + _x(1)) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(across)}</text>'
        f'<text class="axis" {turned} text-anchor="middle">{escape(up)}</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{ticks}{names}{inner}</svg>'


def reliability(points: Sequence[tuple[float, float, int]]) -> str:
    """Confidence against the share of right answers; a dot's size tells how many cases it stands for."""
    most = max((n for _, _, n in points), default=1)
    dots = "".join(
        f'<circle class="dot" cx="{_x(c):.1f}" cy="{_y(r):.1f}" r="{3 + 7 * (n / most) ** 0.5:.1f}">'
        f"<title>confidence {c:.2f}, right {r:.2f}, {n} cases</title></circle>"
        for c, r, n in points
    )
    line = f'<line class="ideal" x1="{_x(0):.0f}" y1="{_y(0):.0f}" x2="{_x(1):.0f}" y2="{_y(1):.0f}"/>'
    said = "; ".join(f"{c:.2f} confident, {r:.2f} right, {n} cases" for c, r, n in points)
    return _frame(f"Reliability of the main label: {said}", "confidence", "share right", line + dots)


def thresholds(points: Sequence[tuple[float, float, float]]) -> str:
    """Precision and recall of escalations against the threshold."""
    curves = []
    for place, name in ((1, "precision"), (2, "recall")):
        path = " ".join(f"{_x(point[0]):.1f},{_y(point[place]):.1f}" for point in points)
        curves.append(f'<polyline class="curve {name}" points="{path}"><title>{name}</title></polyline>')
    if points:
        curves += [
            f'<text class="key {name}" x="{_x(0.03):.0f}" y="{_y(0.1) + at * 16:.0f}">{mark} {name}</text>'
            for at, (name, mark) in enumerate((("precision", "—"), ("recall", "- -")))
        ]
    title = "Precision and recall of escalations by threshold on the score"
    return _frame(title, "threshold on the score", "share", "".join(curves))


def promise(points: Sequence[tuple[float, float, float, float | None]], target: float | None, chosen: float | None) -> str:
    """Recall, what is surely caught and false alarms against the threshold; each point is these four, the last may be None.

    `target` is drawn across, `chosen` up; None leaves either out.
    """
    edge = [f"{_x(t):.1f},{_y(recall):.1f}" for t, recall, _, _ in points]
    floor = [f"{_x(t):.1f},{_y(surely):.1f}" for t, _, surely, _ in points]
    inner = [f'<polygon class="band" points="{" ".join(edge + floor[::-1])}"><title>what is surely caught</title></polygon>']
    inner.append(f'<polyline class="curve recall" points="{" ".join(edge)}"><title>recall</title></polyline>')
    alarms = " ".join(f"{_x(t):.1f},{_y(rate):.1f}" for t, _, _, rate in points if rate is not None)
    keys = [("recall", "- - recall, down to what is sure")]
    if alarms:
        inner.append(f'<polyline class="curve alarms" points="{alarms}"><title>false alarms</title></polyline>')
        keys.append(("alarms", "— false alarms"))
    if target is not None:
        inner.append(f'<line class="ideal" x1="{_x(0):.0f}" y1="{_y(target):.1f}" x2="{_x(1):.0f}" y2="{_y(target):.1f}"/>')
    if chosen is not None:
        inner.append(f'<line class="mark" x1="{_x(chosen):.1f}" y1="{_y(0):.0f}" x2="{_x(chosen):.1f}" y2="{_y(1):.0f}"/>')
        keys.append(("mark", f"| chosen: {chosen:.2f}"))
    inner += [
        f'<text class="key {name}" x="{_x(0.03):.0f}" y="{_y(0.3) + at * 16:.0f}">{escape(said)}</text>'
        for at, (name, said) in enumerate(keys)
    ]
    return _frame("Recall and false alarms by threshold", "threshold on the score", "share", "".join(inner))

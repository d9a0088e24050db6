"""A few SVG elements as text. No styles, no scripts: the page gives colours, by class and currentColor."""

from __future__ import annotations

from html import escape

PREFIX = "nw-arch"


def classes(*names: str) -> str:
    """The value of a class attribute: each name with this drawing's prefix."""
    return " ".join(f"{PREFIX}-{name}" for name in names)


def number(value: float) -> str:
    """At most one decimal, without a trailing zero."""
    return f"{value:.1f}".removesuffix(".0")


def box(
    x: float, y: float, width: float, height: float, *names: str, radius: float = 8, fill: float = 0
) -> str:
    """A rounded rectangle; ``fill`` is the opacity of its ground where the page sets no colour."""
    ground = f'fill="currentColor" fill-opacity="{fill:g}"' if fill else 'fill="none"'
    return (
        f'<rect class="{classes(*names)}" x="{number(x)}" y="{number(y)}" width="{number(width)}" '
        f'height="{number(height)}" rx="{number(radius)}" {ground} stroke="currentColor" '
        'stroke-opacity="0.35"/>'
    )


def text(x: float, y: float, content: str, name: str, *, anchor: str = "middle", size: float = 12) -> str:
    """One line, its middle (or ``anchor``) at x and its vertical centre at y. The content is escaped."""
    faint = ' fill-opacity="0.65"' if name in ("sub", "caption") else ""
    weight = ' font-weight="600"' if name in ("name", "heading") else ""
    return (
        f'<text class="{classes(name)}" x="{number(x)}" y="{number(y + size * 0.36)}" text-anchor="{anchor}" '
        f'font-size="{number(size)}" fill="currentColor"{faint}{weight}>{escape(content)}</text>'
    )


def line(path: str, *names: str) -> str:
    """An open path."""
    return (
        f'<path class="{classes(*names)}" d="{path}" fill="none" stroke="currentColor" '
        'stroke-opacity="0.55" stroke-width="1.5" stroke-linejoin="round"/>'
    )


def arrow(x: float, y: float, direction: str = "right") -> str:
    """A small filled head whose point is at (x, y)."""
    back = {"right": (-7, -4, 0, 8), "down": (-4, -7, 8, 0), "up": (-4, 7, 8, 0)}[direction]
    dx, dy, ex, ey = back
    path = f"M{number(x)} {number(y)}l{dx} {dy}l{ex} {ey}z"
    return f'<path class="{classes("arrow")}" d="{path}" fill="currentColor" fill-opacity="0.7"/>'


def curve(x0: float, y0: float, x1: float, y1: float) -> str:
    """Path data of a smooth line that leaves and arrives horizontally, without the leading move."""
    bend = (x1 - x0) * 0.5
    points = (x0 + bend, y0, x1 - bend, y1, x1, y1)
    return "C" + " ".join(number(p) for p in points)

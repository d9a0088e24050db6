"""Template tags and filters of every page: icons, form controls, and figures in words."""

from __future__ import annotations

from typing import Any

from django import template
from django.forms import BoundField
from django.forms.widgets import CheckboxInput, Select
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, title: str = "") -> SafeString:
    """A lucide icon. Hidden from screen readers unless it has a title of its own."""
    href = f"{static('vendor/icons.svg')}#{name}"
    if title:
        return format_html(
            '<svg class="nw-icon" role="img" aria-label="{}"><use href="{}"></use></svg>', title, href
        )
    return format_html('<svg class="nw-icon" aria-hidden="true"><use href="{}"></use></svg>', href)


@register.inclusion_tag("components/waffle.html")
def waffle(share: float) -> dict[str, Any]:
    """A hundred dots, as many of them filled as are right."""
    right = in_100(share)
    dots = [(6 + 10 * (i % 10), 6 + 10 * (i // 10), i < right) for i in range(100)]
    return {"dots": dots, "right": right}


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's widget with the site's classes."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        css = "form-check-input"
    elif isinstance(widget, Select):
        css = "form-select"
    else:
        css = "form-control"
    return field.as_widget(attrs={"class": css})


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """``0.9134`` is "91.3 %"."""
    return "–" if share is None else f"{share * 100:.{digits}f} %"


@register.filter
def of_100(share: float | None) -> str:
    """``0.9134`` is "91 of 100". Never 100 for less than all, nor 0 for more than none."""
    return "–" if share is None else f"{in_100(share)} of 100"


@register.filter
def in_100(share: float | None) -> int:
    """The whole number of a hundred that a share comes to."""
    if share is None:
        return 0
    rounded = round(share * 100)
    if share < 1:
        rounded = min(rounded, 99)
    return max(rounded, 1) if share > 0 else rounded


@register.filter
def short_number(value: float | None) -> str:
    """``3371008`` is "3.4 million"; below ten thousand every digit is shown."""
    if value is None:
        return "–"
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.1f} {word}"
    return f"{value / 1000:.0f} thousand" if value >= 10_000 else f"{value:,.0f}"


@register.filter
def file_size(value: float | None) -> str:
    """Bytes in the units that file managers show."""
    if value is None:
        return "–"
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} bytes"


@register.filter
def milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"


@register.filter
def clock(seconds: float | None) -> str:
    """``190`` is "3:10"; hours only when there are any."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    tail = f"{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"{hours}:{tail}" if hours else tail


@register.filter
def seconds_short(value: float | None) -> str:
    """Seconds of training: "0.4 s", "12 s", "3:10"."""
    if value is None:
        return "–"
    if value >= 120:
        return clock(value)
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


@register.filter
def minutes_words(value: float) -> str:
    """``2`` is "2 minutes", ``0.5`` is "30 seconds", ``2.72`` is "2 minutes 43 seconds"."""
    minutes, seconds = divmod(round(value * 60), 60)
    parts = [(minutes, "minute"), (seconds, "second")]
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n) or "0 seconds"


@register.filter
def lookup(mapping: dict[str, Any] | None, key: str) -> Any:
    """A value by a key that the template knows only as a variable."""
    return None if mapping is None else mapping.get(key)

"""Drawings and words of the review pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
HEIGHT = 28


@register.simple_tag
def columns(per_day: Sequence[tuple[date, int]], peak: int) -> SafeString:
    """A column per day, ``peak`` being the full height; read out as the total and the number of days."""
    width = 100 / max(len(per_day), 1)
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                f"{index * width:.2f}",
                f"{HEIGHT - tall:.2f}",
                f"{width * 0.8:.2f}",
                f"{tall:.2f}",
                f"{on:%-d %b}",
                count,
            )
            for index, (on, count) in enumerate(per_day)
            for tall in [HEIGHT * count / peak if peak else 0.0]
        ),
    )
    label = f"{sum(count for _, count in per_day)} decisions in {len(per_day)} days"
    return format_html(
        '<svg class="columns" viewBox="0 0 100 {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        HEIGHT,
        label,
        bars,
    )


@register.filter
def in_words(span: timedelta | None) -> str:
    """The largest unit that fits twice: “45 s”, “12 min”, “5 h”, “3 days”; an en dash for None."""
    if span is None:
        return "–"
    seconds = max(span.total_seconds(), 0)
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

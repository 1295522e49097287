"""Template tags of the design system: navigation, badges, bars and intervals without inline styles."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString

from creatives.navigation import NavGroup, groups_for

register = template.Library()

TONES = {
    "good": {
        "approved",
        "ready",
        "done",
        "active",
        "delivered",
        "ok",
        "live",
        "in_use",
        "here",
        "cached",
        "pass",
    },
    "bad": {"rejected", "failed", "dead", "refused", "revoked", "error", "missing", "fail"},
    "warn": {"in_review", "pending", "queued", "paused", "warning", "draft", "to fetch", "doubtful"},
    "info": {"running", "new", "changed", "simulated"},
}


@register.simple_tag(takes_context=True)
def nav_groups(context: RequestContext) -> list[NavGroup]:
    """The navigation of the person who is signed in."""
    return groups_for(context.get("nav_roles") or set(), context["request"].path)


@register.filter
def tone(status: Any) -> str:
    """The badge tone of a status value: good, bad, warn, info or plain."""
    value = str(status)
    return next((name for name, values in TONES.items() if value in values), "plain")


@register.inclusion_tag("components/badge.html")
def badge(status: Any, label: str = "", kind: str = "") -> dict[str, str]:
    """``{% badge creative.status %}``: a coloured word; ``label`` and ``kind`` (the tone) override the guess."""
    return {"tone": kind or tone(status), "label": label or str(status).replace("_", " ").capitalize()}


@register.inclusion_tag("components/crumbs.html")
def crumbs(*pairs: str) -> dict[str, Any]:
    """``{% crumbs "Catalogue" catalog_url "SKU-1" %}``: label, url, …, and the label of this page last."""
    *links, here = pairs
    return {"links": list(zip(links[::2], links[1::2], strict=True)), "here": here}


@register.simple_tag
def bar(value: float, maximum: float = 1.0, label: str = "", tone: str = "accent") -> SafeString:
    """A horizontal bar of ``value`` in [0, ``maximum``]; text for screen readers in ``label``."""
    return format_html(
        '<svg class="bar tone-{}" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="bar-track" width="100" height="8"/><rect class="bar-fill" width="{}" height="8"/></svg>',
        tone,
        label or f"{value:g} of {maximum:g}",
        f"{_share(value, 0.0, maximum):.2f}",
    )


@register.simple_tag
def interval(
    low: float, mid: float, high: float, maximum: float, minimum: float = 0.0, label: str = ""
) -> SafeString:
    """An estimate with its interval on the axis [``minimum``, ``maximum``]; a line marks 0 when the axis crosses it."""
    at_low, at_mid, at_high = (_share(value, minimum, maximum) for value in (low, mid, high))
    zero = format_html(
        '<rect class="interval-zero" x="{}" width="0.6" height="16"/>', f"{_share(0, minimum, maximum):.2f}"
    )
    return format_html(
        '<svg class="interval" viewBox="0 0 100 16" preserveAspectRatio="none" role="img" aria-label="{}">{}'
        '<rect class="interval-range" x="{}" y="5" width="{}" height="6"/>'
        '<rect class="interval-mid" x="{}" y="2" width="1.6" height="12"/></svg>',
        label or f"{mid:g}, between {low:g} and {high:g}",
        zero if minimum < 0 < maximum else "",
        f"{at_low:.2f}",
        f"{max(at_high - at_low, 0.4):.2f}",
        f"{min(max(at_mid - 0.8, 0), 98.4):.2f}",
    )


def _share(value: float, minimum: float, maximum: float) -> float:
    if maximum <= minimum:
        return 0.0
    return min(max((float(value) - minimum) / (maximum - minimum), 0.0), 1.0) * 100


@register.filter
def percent(value: float | None, digits: int = 2) -> str:
    """A share as per cent: 0.0123 → “1.23 %”; an en dash for None."""
    return "–" if value is None else f"{float(value) * 100:.{digits}f} %"

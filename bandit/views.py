"""The URLs inside a decision: the impression's pixel and the click's redirect. They are opened by shoppers' browsers."""

from __future__ import annotations

import base64

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from bandit.events import record_click, record_impression
from bandit.tokens import TokenError, unseal
from creatives.models import Product

_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_NO_STORE = "no-store, max-age=0"


@require_safe
def impression(request: HttpRequest, token: str) -> HttpResponse:
    """A transparent 1×1 GIF, whatever the token; a live one records that the decision was shown."""
    now = timezone.now()
    try:
        decision = unseal(token)
    except TokenError:
        decision = None
    if decision and not decision.is_expired(now) and _is_a_person(request):
        record_impression(decision, now, _agent(request))
    return HttpResponse(_GIF, content_type="image/gif", headers={"Cache-Control": _NO_STORE})


@require_safe
def click(request: HttpRequest, token: str) -> HttpResponse:
    """302 to the product's page, which comes from the database alone; 404 for a token that is not ours."""
    now = timezone.now()
    try:
        decision = unseal(token)
    except TokenError:
        raise Http404("no such link") from None
    link = Product.objects.filter(pk=decision.product_id).values_list("link", flat=True).first()
    if not link:
        raise Http404("the product is gone")
    if not decision.is_expired(now) and _is_a_person(request):
        record_click(decision, now, _agent(request))
    return HttpResponseRedirect(link, headers={"Cache-Control": _NO_STORE})


def _agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")


def _is_a_person(request: HttpRequest) -> bool:
    """Not a browser that looks ahead, and not a HEAD request."""
    looks_ahead = any(
        word in request.headers.get(name, "").lower()
        for name in _PREFETCH_HEADERS
        for word in ("prefetch", "preview", "prerender")
    )
    return request.method == "GET" and not looks_ahead

"""What a reviewer does at the desk. Each is a form: with htmx it answers with the next picture, without it redirects."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseRedirect,
    JsonResponse,
)
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from creatives.models import Creative, User
from creatives.permissions import REVIEWERS, member_required
from review.errors import InvalidDecisionError, ReviewError
from review.filters import number
from review.services import claims, decisions
from review.services.undo import undo as take_back
from review.services.verdicts import PAST, Action, Verdict
from review.views.desk import desk_url, render_desk


@member_required(REVIEWERS)
@require_POST
def decide(request: HttpRequest, creative_id: int) -> HttpResponse:
    """Approve, reject or retire one creative."""
    verdict, token = _verdict(request), _token(request)
    if token is None:
        return HttpResponseBadRequest("The form carries no valid token.")
    try:
        decisions.decide(_user(request), creative_id, verdict, token)
    except Creative.DoesNotExist as error:
        raise Http404(f"no creative {creative_id}") from error
    except InvalidDecisionError as error:
        messages.error(request, str(error))
        return _answer(request, pinned=creative_id)
    except ReviewError as error:
        messages.warning(request, str(error))
    return _answer(request)


@member_required(REVIEWERS)
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Approve or reject the creatives that are ticked."""
    verdict, token = _verdict(request), _token(request)
    ticked = [creative_id for text in request.POST.getlist("creative") if (creative_id := number(text))]
    if token is None or len(ticked) != len(request.POST.getlist("creative")):
        return HttpResponseBadRequest("The form carries no valid token, or something that is no creative.")
    if not ticked:
        messages.warning(request, "Nothing is selected: tick the pictures first.")
        return _answer(request)
    try:
        outcomes, refused = decisions.decide_many(_user(request), ticked, verdict, token)
    except Creative.DoesNotExist as error:
        raise Http404(str(error)) from error
    except InvalidDecisionError as error:
        messages.error(request, str(error))
        return _answer(request)
    if outcomes:
        count = len(outcomes)
        what = PAST[Action(verdict.action)]
        messages.success(request, f"{count} picture{'' if count == 1 else 's'} {what}.")
    for text in refused:
        messages.warning(request, text)
    return _answer(request)


@member_required(REVIEWERS)
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back one's latest decision, or the one that the form names, and show the creative again."""
    token = _token(request)
    named = request.POST.get("decision")
    decision = _uuid(named) if named else None
    if token is None or (named and decision is None):
        return HttpResponseBadRequest("The form carries no valid token or decision.")
    try:
        outcome = take_back(_user(request), token, decision)
    except Creative.DoesNotExist as error:
        raise Http404("no such creative") from error
    except ReviewError as error:
        messages.warning(request, str(error))
        return _answer(request)
    assert outcome.decision is not None
    return _answer(request, pinned=outcome.decision.creative_id)


@member_required(REVIEWERS)
@require_POST
def skip(request: HttpRequest, creative_id: int) -> HttpResponse:
    """Put a creative aside."""
    try:
        claims.skip(_user(request), creative_id)
    except Creative.DoesNotExist as error:
        raise Http404(f"no creative {creative_id}") from error
    return _answer(request)


@member_required(REVIEWERS)
@require_POST
def heartbeat(request: HttpRequest) -> HttpResponse:
    """Lengthen claims; answers which of them were lost to others."""
    asked = {creative_id for text in request.POST.getlist("creative")[:100] if (creative_id := number(text))}
    kept = claims.renew(_user(request), asked)
    return JsonResponse({"kept": sorted(kept), "lost": sorted(asked - kept)})


def _answer(request: HttpRequest, pinned: int | None = None) -> HttpResponse:
    """The next picture; ``pinned`` is shown first. A form with a safe ``next`` goes there instead."""
    target = request.POST.get("next", "")
    if target and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    ):
        return HttpResponseRedirect(target)
    url = desk_url(request)
    if not request.htmx:  # type: ignore[attr-defined]
        separator = "&" if "?" in url else "?"
        return HttpResponseRedirect(f"{url}{separator}creative={pinned}" if pinned else url)
    response = render_desk(request, pinned)
    response["HX-Replace-Url"] = url
    return response


def _verdict(request: HttpRequest) -> Verdict:
    posted = request.POST
    reason = posted.get("reason", "")
    action = posted.get("action", "") or (Action.REJECT if reason else "")
    return Verdict(action, reason, posted.get("note", ""))


def _token(request: HttpRequest) -> uuid.UUID | None:
    return _uuid(request.POST.get("token", ""))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]

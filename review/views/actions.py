"""What a reviewer does at the desk. Each is a form: with scripts it answers with what comes next, without it redirects."""

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
from django.shortcuts import render
from django.views.decorators.http import require_POST

from creatives.models import Creative
from creatives.permissions import REVIEWERS, member_required, signed_in
from review.errors import InvalidDecisionError, ReviewError
from review.filters import number
from review.selectors.items import items
from review.services import claims, decisions, gold
from review.services.undo import undo as take_back
from review.services.undo import undo_last
from review.services.verdicts import PAST, Action, Verdict
from review.views.common import next_page, read_token, read_verdict
from review.views.desk import desk_url, query_of, render_desk


@member_required(REVIEWERS)
@require_POST
def decide(request: HttpRequest, creative_id: int) -> HttpResponse:
    """Approve, reject, flag, retire or reopen one creative."""
    verdict, token = read_verdict(request), read_token(request)
    if token is None:
        return HttpResponseBadRequest("The form carries no valid token.")
    try:
        outcome = decisions.decide(signed_in(request), creative_id, verdict, token)
    except Creative.DoesNotExist as error:
        raise Http404(f"no creative {creative_id}") from error
    except InvalidDecisionError as error:
        messages.error(request, str(error))
        return _answer(request, pinned=creative_id)
    except ReviewError as error:
        messages.warning(request, str(error))
    else:
        if outcome.note:
            messages.info(request, outcome.note)
    return _answer(request)


@member_required(REVIEWERS)
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Decide the creatives that are ticked. More than one is decided once ``confirmed`` says how many."""
    verdict, token = read_verdict(request), read_token(request)
    posted = request.POST.getlist("creative")
    ticked = [creative_id for text in posted if (creative_id := number(text))]
    if token is None or len(ticked) != len(posted):
        return HttpResponseBadRequest("The form carries no valid token, or something that is no creative.")
    if not ticked:
        messages.warning(request, "Nothing is selected: tick the pictures first.")
        return _answer(request)
    try:
        if len(ticked) > 1 and request.POST.get("confirmed") != str(len(ticked)):
            return _confirm(request, ticked, verdict.validated(), token)
        outcomes, refused = decisions.decide_many(signed_in(request), ticked, verdict, token)
    except Creative.DoesNotExist as error:
        raise Http404("no such creatives") from error
    except InvalidDecisionError as error:
        messages.error(request, str(error))
        return _answer(request)
    if outcomes:
        messages.success(request, _counted(len(outcomes), verdict))
    for text in refused:
        messages.warning(request, text)
    return _answer(request)


@member_required(REVIEWERS)
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back one's latest answer, or the one that the form names, and show the creative again."""
    token, named = read_token(request), request.POST.get("decision")
    decision = read_token(request, "decision") if named else None
    if token is None or (named and decision is None):
        return HttpResponseBadRequest("The form carries no valid token or decision.")
    user = signed_in(request)
    try:
        outcomes, refused = ([take_back(user, token, decision)], []) if decision else undo_last(user, token)
    except Creative.DoesNotExist as error:
        raise Http404("no such creative") from error
    except ReviewError as error:
        messages.warning(request, str(error))
        return _answer(request)
    for text in refused:
        messages.warning(request, text)
    if len(outcomes) != 1 or outcomes[0].decision is None:
        messages.success(request, f"{len(outcomes)} decisions taken back.")
        return _answer(request)
    return _answer(request, pinned=outcomes[0].decision.creative_id)


@member_required(REVIEWERS)
@require_POST
def skip(request: HttpRequest, creative_id: int) -> HttpResponse:
    """Put a creative aside."""
    try:
        claims.skip(signed_in(request), creative_id)
    except Creative.DoesNotExist as error:
        raise Http404(f"no creative {creative_id}") from error
    return _answer(request)


@member_required(REVIEWERS)
@require_POST
def heartbeat(request: HttpRequest) -> HttpResponse:
    """Lengthen claims; answers which of them were lost to others."""
    asked = {creative_id for text in request.POST.getlist("creative")[:100] if (creative_id := number(text))}
    kept = claims.renew(signed_in(request), asked)
    kept |= {creative_id for creative_id in asked - kept if gold.is_before(signed_in(request), creative_id)}
    return JsonResponse({"kept": sorted(kept), "lost": sorted(asked - kept)})


def _answer(request: HttpRequest, pinned: int | None = None) -> HttpResponse:
    """What comes next; ``pinned`` is shown first. A form with a safe ``next`` goes there instead."""
    if elsewhere := next_page(request):
        return elsewhere
    url = desk_url(request)
    if not request.htmx:  # type: ignore[attr-defined]
        separator = "&" if "?" in url else "?"
        return HttpResponseRedirect(f"{url}{separator}creative={pinned}" if pinned else url)
    return render_desk(request, pinned)


def _confirm(request: HttpRequest, ticked: list[int], verdict: Verdict, token: uuid.UUID) -> HttpResponse:
    allowed = Creative.objects.for_member(signed_in(request), REVIEWERS).filter(pk__in=ticked)
    if allowed.count() != len(set(ticked)):
        raise Creative.DoesNotExist("not all of these creatives are yours to decide")
    context = {
        "items": items(ticked),
        "verdict": verdict,
        "what": PAST[Action(verdict.action)],
        "token": token,
        "query": query_of(request),
        "back": desk_url(request),
    }
    return render(request, "review/confirm.html", context)


def _counted(count: int, verdict: Verdict) -> str:
    what = PAST[Action(verdict.action)]
    return f"{count} pictures {what}. Undo takes all of them back." if count > 1 else f"1 picture {what}."

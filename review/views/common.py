"""What the views of the desk share: reading forms, and where to go next."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponseRedirect

from creatives.navigation import own_address
from review.services.verdicts import Action, Verdict

NO_OPINION = "none"


def read_verdict(request: HttpRequest) -> Verdict:
    """What the posted buttons say: ``action``, ``reason`` (a rejection), or ``flag`` ("none", "approve" or a reason)."""
    posted = request.POST
    if flag := posted.get("flag", ""):
        note = posted.get("flag_note", "")
        if flag in (NO_OPINION, Action.APPROVE):
            return Verdict(Action.FLAG, note=note, lean="" if flag == NO_OPINION else flag)
        return Verdict(Action.FLAG, flag, note, lean=Action.REJECT)
    reason = posted.get("reason", "")
    action = posted.get("action", "") or (Action.REJECT if reason else "")
    return Verdict(action, reason, posted.get("note", ""))


def read_token(request: HttpRequest, name: str = "token") -> uuid.UUID | None:
    """The posted UUID; None when there is none."""
    try:
        return uuid.UUID(request.POST.get(name, ""))
    except ValueError:
        return None


def next_page(request: HttpRequest) -> HttpResponseRedirect | None:
    """To the posted ``next``, if it is an address of this site."""
    target = own_address(request, request.POST.get("next", ""))
    return HttpResponseRedirect(target) if target else None

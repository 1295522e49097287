"""Who may open what: sign-in for the anonymous, 403 for a missing role, 404 for what is somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from creatives.models import Merchant, User
from creatives.models.base import ANY_ROLE, EDITORS, REVIEWERS

OWNERS = ("owner",)
__all__ = [
    "ANY_ROLE",
    "EDITORS",
    "OWNERS",
    "REVIEWERS",
    "admin_required",
    "current_merchant",
    "get_for_member",
    "has_role",
    "member_required",
    "signed_in",
]

View = Callable[..., HttpResponseBase]


def signed_in(request: HttpRequest) -> User:
    """The person behind a guarded request."""
    return cast(User, request.user)


def has_role(user: User, roles: tuple[str, ...] = ANY_ROLE) -> bool:
    """Whether ``user`` is an admin or holds one of ``roles`` with any merchant."""
    return user.is_staff or user.memberships.filter(role__in=roles).exists()


def member_required(roles: tuple[str, ...] = ANY_ROLE) -> Callable[[View], View]:
    """Let in admins and people who hold one of ``roles`` somewhere; ``for_member`` says which rows they see."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not has_role(signed_in(request), roles):
                raise PermissionDenied(f"This page is for {' and '.join(roles)}s.")
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def admin_required(view: View) -> View:
    """Let in admins of the installation only."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not signed_in(request).is_staff:
            raise PermissionDenied("This page is for administrators.")
        return view(request, *args, **kwargs)

    return guarded


def get_for_member(rows: Any, user: User, roles: tuple[str, ...] = ANY_ROLE, **lookup: Any) -> Any:
    """The one row of ``rows`` (a tenant queryset or model) that matches ``lookup``.

    Raises Http404 when it is not of the person's merchants, and PermissionDenied when it is but needs one of
    ``roles``.
    """
    queryset = getattr(rows, "objects", rows)
    found = get_object_or_404(queryset.for_member(user), **lookup)
    if not queryset.for_member(user, roles).filter(pk=found.pk).exists():
        raise PermissionDenied(f"Only {' and '.join(roles)}s may do this.")
    return found


def current_merchant(request: HttpRequest, roles: tuple[str, ...] = ANY_ROLE) -> Merchant | None:
    """The merchant of ``?merchant=slug`` (or posted ``merchant``), else the person's first by name, or None.

    Raises Http404 for a slug in which the person holds none of ``roles``.
    """
    merchants = Merchant.objects.for_member(signed_in(request), roles).order_by("name")
    slug = request.GET.get("merchant") or request.POST.get("merchant")
    if not slug:
        return merchants.first()
    found = merchants.filter(slug=slug).first()
    if found is None:
        raise Http404(f"no merchant {slug!r}")
    return found

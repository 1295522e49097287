"""The start page, signing in, and one's own password."""

from __future__ import annotations

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy

from creatives.forms.accounts import SignInForm
from creatives.models import Merchant
from creatives.permissions import EDITORS, REVIEWERS, current_merchant, has_role, signed_in
from creatives.selectors.home import installation_gaps, merchant_counts, queue_health, review_queue_length


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What this person should look at next: set-up and counts, the review queue, the health of the queue."""
    user = signed_in(request)
    # An administrator sees the whole installation first, and a merchant's page when asked for.
    merchant = None if user.is_staff and "merchant" not in request.GET else current_merchant(request, EDITORS)
    context = {
        "merchant": merchant,
        "merchants": Merchant.objects.for_member(user, EDITORS).order_by("name"),
        "counts": merchant_counts(merchant) if merchant else None,
        "is_reviewer": has_role(user, REVIEWERS),
        "queue_length": review_queue_length(user),
        "health": queue_health() if user.is_staff and merchant is None else None,
        "gaps": installation_gaps() if user.is_staff and merchant is None else [],
    }
    return render(request, "accounts/home.html", context)


class SignIn(auth.LoginView):
    """E-mail address and password."""

    form_class = SignInForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True


class Welcome(auth.PasswordResetConfirmView):
    """The first password (or a new one), through a link that an administrator handed over."""

    template_name = "registration/welcome.html"
    success_url = reverse_lazy("home")
    post_reset_login = True


class ChangePassword(auth.PasswordChangeView):
    """One's own password."""

    template_name = "registration/password.html"
    success_url = reverse_lazy("home")

"""People, roles and merchants, for administrators."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from creatives.forms.accounts import MembershipForm, MerchantForm, PersonAddForm, PersonForm
from creatives.models import Membership, Merchant, User
from creatives.permissions import admin_required, signed_in
from creatives.services import accounts, audit

PAGE_SIZE = 50
PEOPLE = "People and merchants"


@admin_required
def people(request: HttpRequest) -> HttpResponse:
    """Everyone with their roles, and the merchants."""
    query = request.GET.get("q", "").strip()
    roles = Prefetch(
        "memberships", Membership.objects.select_related("merchant").order_by("merchant__name", "role")
    )
    found = User.objects.order_by("email").prefetch_related(roles)
    if query:
        found = found.filter(
            Q(email__icontains=query)
            | Q(name__icontains=query)
            | Q(memberships__merchant__name__icontains=query)
        ).distinct()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    merchants = Merchant.objects.order_by("name")
    return render(request, "accounts/people.html", {"page": page, "query": query, "merchants": merchants})


@admin_required
def person_add(request: HttpRequest) -> HttpResponse:
    """Add a person; the next page gives the link to hand over."""
    form = PersonAddForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        person = accounts.add_person(data["email"], data["name"], data["is_staff"], by=signed_in(request))
        messages.success(request, f"{person} was added. Give them a role and a welcome link.")
        return redirect("person", person.pk)
    return render(
        request,
        "accounts/form.html",
        {"form": form, "heading": "Add a person", "submit": "Add", "back": "people", "back_label": PEOPLE},
    )


@admin_required
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """A person's name, rights and roles."""
    found = get_object_or_404(User, pk=person_id)
    form = PersonForm(request.POST or None, instance=found, editor=signed_in(request))
    if request.method == "POST" and form.is_valid():
        form.instance.is_superuser = form.cleaned_data["is_staff"]
        url = reverse("person", args=[found.pk])
        changed = audit.save_form(form, signed_in(request), "people", url=url)
        messages.success(request, f"{changed} was saved.")
        return redirect("person", found.pk)
    return render(request, "accounts/person.html", _person_context(found, form, MembershipForm()))


@admin_required
@require_POST
def role_add(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give a person a role with a merchant."""
    found = get_object_or_404(User, pk=person_id)
    form = MembershipForm(request.POST)
    if not form.is_valid():
        editor = PersonForm(instance=found, editor=signed_in(request))
        return render(request, "accounts/person.html", _person_context(found, editor, form), status=422)
    data = form.cleaned_data
    if accounts.grant(found, data["merchant"], data["role"], by=signed_in(request)):
        messages.success(request, f"{found} is now {data['role']} of {data['merchant']}.")
    else:
        messages.info(request, f"{found} was {data['role']} of {data['merchant']} already.")
    return redirect("person", found.pk)


@admin_required
@require_POST
def role_remove(request: HttpRequest, person_id: int, membership_id: int) -> HttpResponse:
    """Take a role away."""
    membership = get_object_or_404(
        Membership.objects.select_related("merchant"), pk=membership_id, user_id=person_id
    )
    accounts.withdraw(membership, by=signed_in(request))
    messages.success(request, f"No longer {membership.role} of {membership.merchant}.")
    return redirect("person", person_id)


@admin_required
@require_POST
@never_cache
def welcome_link(request: HttpRequest, person_id: int) -> HttpResponse:
    """Show a link through which the person sets a password. It works once."""
    found = get_object_or_404(User, pk=person_id)
    uid, token = accounts.welcome_key(found)
    secret = request.build_absolute_uri(reverse("welcome", args=[uid, token]))
    context = {
        "heading": f"Welcome link for {found}",
        "secret": secret,
        "text": "Send this to the person over a channel you trust. It sets a password, works once and expires in time.",
        "back": reverse("person", args=[found.pk]),
    }
    return render(request, "accounts/secret.html", context)


@admin_required
def merchant_add(request: HttpRequest) -> HttpResponse:
    """Add a merchant."""
    return _edit_merchant(request, None)


@admin_required
def merchant(request: HttpRequest, slug: str) -> HttpResponse:
    """A merchant's settings."""
    return _edit_merchant(request, get_object_or_404(Merchant, slug=slug))


def _edit_merchant(request: HttpRequest, found: Merchant | None) -> HttpResponse:
    form = MerchantForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        url = reverse("merchant", args=[form.cleaned_data["slug"]])
        saved = audit.save_form(form, signed_in(request), "merchants", url=url, merchant=found)
        messages.success(request, f"{saved} was saved.")
        return redirect("people")
    heading = f"{Merchant.objects.get(pk=found.pk)}" if found else "Add a merchant"
    context = {
        "form": form,
        "heading": heading,
        "submit": "Save" if found else "Add",
        "back": "people",
        "back_label": PEOPLE,
    }
    return render(request, "accounts/form.html", context)


def _person_context(found: User, form: PersonForm, role_form: MembershipForm) -> dict[str, object]:
    memberships = found.memberships.select_related("merchant").order_by("merchant__name", "role")
    return {"person": found, "form": form, "role_form": role_form, "memberships": memberships}

"""People, roles and merchants, for administrators."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import F, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from creatives.forms.accounts import MembershipForm, MerchantForm, PersonAddForm, PersonForm
from creatives.listing import Choice, Column, ListSpec, listing, searched, wants_csv
from creatives.models import Membership, Merchant, Role, User
from creatives.permissions import admin_required, signed_in
from creatives.services import accounts, audit

PEOPLE = "People and merchants"
SHOWN_MERCHANTS = 20  # the list of merchants has the rest


@admin_required
def people(request: HttpRequest) -> HttpResponseBase:
    """Everyone with their roles, and the first merchants."""
    roles = Prefetch(
        "memberships", Membership.objects.select_related("merchant").order_by("merchant__name", "role")
    )
    found = listing(request, User.objects.prefetch_related(roles), _spec(), keep=())
    if wants_csv(request):
        return found.csv("people")
    query = request.GET.get("q", "").strip()
    merchants = searched(Merchant.objects.order_by("name"), query, ("name", "slug"))
    context = {
        "list": found,
        "merchants": list(merchants[:SHOWN_MERCHANTS]),
        "merchant_count": merchants.count(),
    }
    return render(request, "accounts/people.html", context)


def _spec() -> ListSpec:
    merchants = [(row.slug, row.name) for row in Merchant.objects.order_by("name")]
    return ListSpec(
        search=("email", "name", "memberships__merchant__name"),
        placeholder="E-mail, name or merchant",
        sorts={
            "email": ("E-mail", ["email"]),
            "name": ("Name", ["name", "email"]),
            "seen": ("Signed in last", [F("last_login").desc(nulls_last=True), "email"]),  # type: ignore[list-item]
        },
        choices=[
            Choice("role", "Role", [*Role.choices, ("admin", "Administrator")], _with_role),
            Choice("of", "Merchant", merchants, _of_merchant),
        ],
        columns=[
            Column("email", lambda row: row.email),
            Column("name", lambda row: row.name),
            Column("administrator", lambda row: "yes" if row.is_staff else "no"),
            Column("may_sign_in", lambda row: "yes" if row.is_active else "no"),
            Column(
                "roles", lambda row: "; ".join(f"{of.role} of {of.merchant}" for of in row.memberships.all())
            ),
            Column("last_sign_in", lambda row: row.last_login),
        ],
    )


def _with_role(rows: QuerySet[User], role: str) -> QuerySet[User]:
    if role == "admin":
        return rows.filter(is_staff=True)
    return rows.filter(pk__in=Membership.objects.filter(role=role).values("user"))


def _of_merchant(rows: QuerySet[User], slug: str) -> QuerySet[User]:
    return rows.filter(pk__in=Membership.objects.filter(merchant__slug=slug).values("user"))


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

"""Forms of the sign-in page, people, merchants, keys and recommenders."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from creatives.models import Membership, Merchant, Recommender, User
from creatives.services import login_throttle


class SignInForm(AuthenticationForm):
    """E-mail address and password; repeated failures have to wait."""

    username = forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This e-mail address and password do not match an account.",
        "too_many": "Too many failed attempts. Wait %(minutes)d minutes and try again.",
    }

    def clean(self) -> dict[str, Any]:
        email = (self.cleaned_data.get("username") or "").lower()
        self.cleaned_data["username"] = email
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        if email and not login_throttle.admit(email, address):
            minutes = login_throttle.WINDOW_SECONDS // 60
            raise ValidationError(
                self.error_messages["too_many"], code="too_many", params={"minutes": minutes}
            )
        cleaned = super().clean()
        login_throttle.clear(email, address)
        return cleaned


class PersonAddForm(forms.ModelForm):
    """A new person."""

    class Meta:
        model = User
        fields = ["email", "name", "is_staff"]
        labels = {"email": "E-mail address", "is_staff": "Administrator of the whole installation"}
        help_texts = {
            "email": "They sign in with it. Nothing is sent there: you hand over the welcome link yourself.",
            "name": "As it should stand beside their decisions.",
            "is_staff": "Sees every merchant, edits prompts, placements and people.",
        }

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError("Somebody has this e-mail address already.")
        return email


class PersonForm(forms.ModelForm):
    """A person's name and rights. Nobody can take their own administrator's right or account away."""

    def __init__(self, *args: Any, editor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk == editor.pk:
            for name in ("is_staff", "is_active"):
                self.fields[name].disabled = True
                self.fields[name].help_text = "Another administrator has to change this for you."

    class Meta:
        model = User
        fields = ["name", "is_active", "is_staff"]
        labels = {"is_active": "May sign in", "is_staff": "Administrator of the whole installation"}
        help_texts = {
            "name": "As it should stand beside their decisions.",
            "is_active": "Off: signed out at once. What they decided stays.",
            "is_staff": "Sees every merchant, edits prompts, placements and people.",
        }


class MembershipForm(forms.ModelForm):
    """A role with a merchant."""

    class Meta:
        model = Membership
        fields = ["merchant", "role"]
        help_texts = {
            "role": "Owners also make keys and rules; editors keep the catalogue; reviewers decide on creatives."
        }


class MerchantForm(forms.ModelForm):
    """What an administrator decides for a merchant."""

    class Meta:
        model = Merchant
        fields = [
            "name",
            "slug",
            "is_active",
            "auto_approve",
            "fallback",
            "exploration",
            "alpha",
            "attribution_minutes",
        ]
        labels = {
            "slug": "Short name",
            "is_active": "Active",
            "auto_approve": "Approve new creatives automatically",
            "fallback": "Serve while there is no approved creative",
            "exploration": "Exploration share",
            "alpha": "LinUCB alpha",
            "attribution_minutes": "Attribution window in minutes",
        }
        help_texts = {
            "name": "As people see it.",
            "fallback": "While a picture is painted or waits for a reviewer.",
            "slug": "Used in the API and in addresses: small letters, digits and hyphens.",
            "is_active": "Keys of an inactive merchant stop working.",
            "auto_approve": "Off: a reviewer looks at every picture before it is served.",
            "alpha": "How strongly uncertainty counts when prompts are compared, 0 to 10. 0 can get stuck on a lucky one.",
            "exploration": "Share of decisions that pick a prompt at random: 0 to 1.",
        }


class RecommenderForm(forms.ModelForm):
    """A program that asks for decisions."""

    webhook_url = forms.URLField(
        label="Webhook address",
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text="Called when a creative is approved, rejected, retired or has failed.",
    )

    class Meta:
        model = Recommender
        fields = ["name", "merchants", "webhook_url", "is_active"]
        labels = {"is_active": "Active"}
        help_texts = {
            "name": "The shop or system that asks, for your own lists.",
            "merchants": "It may ask for the items of these merchants only.",
            "is_active": "Keys of an inactive recommender stop working.",
        }
        widgets = {"merchants": forms.CheckboxSelectMultiple}

"""Forms of the prompt pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from creatives.models import Prompt, PromptVersion
from creatives.models.catalog import PATH_SEPARATOR

TEXT = forms.Textarea(attrs={"rows": 3})
NEGATIVE = forms.Textarea(attrs={"rows": 2})
TEXT_HELP = "Describe the place around the product, not the product: surface, surroundings, light. At most 600 characters."
GROUND_HELP = "By itself the studio looks for words such as “hanging”, “flat lay” or “from above”."
NEGATIVE_HELP = "What must not appear, in a few words."


class VersionForm(forms.ModelForm):
    """The text of a version. ``base`` is the version that the edit began from."""

    base = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    ground = forms.ChoiceField(
        label="The product", choices=PromptVersion.Ground.choices, required=False, help_text=GROUND_HELP
    )

    class Meta:
        model = PromptVersion
        fields = ["text", "negative_text", "ground"]
        labels = {"text": "Prompt", "negative_text": "Negative prompt"}
        help_texts = {"text": TEXT_HELP, "negative_text": NEGATIVE_HELP}
        widgets = {"text": TEXT, "negative_text": NEGATIVE}

    def clean_ground(self) -> str:
        return self.cleaned_data["ground"] or self.initial.get("ground") or PromptVersion.Ground.AUTO

    def clean_text(self) -> str:
        return _one_line(self.cleaned_data["text"])

    def clean_negative_text(self) -> str:
        return _one_line(self.cleaned_data["negative_text"])


class PromptForm(VersionForm):
    """A new prompt: a name, and the text of its version 1."""

    base = None  # type: ignore[assignment]
    name = forms.CharField(
        max_length=Prompt._meta.get_field("name").max_length,
        help_text="A short name for lists and reports, such as “Birch forest”.",
    )
    field_order = ["name", "text", "negative_text", "ground"]


class CategoryForm(forms.Form):
    """A category by its full path."""

    path = forms.CharField(
        label="Path",
        max_length=750,
        help_text="From the root, such as “Home & Garden > Kitchen”. Missing levels are made.",
    )

    def clean_path(self) -> str:
        levels = [" ".join(level.split()) for level in self.cleaned_data["path"].split(">")]
        if not all(levels):
            raise ValidationError("A level between two “>” is empty.")
        if any(len(level) > 120 for level in levels):
            raise ValidationError("A level has at most 120 characters.")
        return PATH_SEPARATOR.join(levels)


class RetireForm(forms.Form):
    """Which version the person saw when they retired the prompt."""

    base = forms.IntegerField(min_value=1)


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())

"""The part of a prompt's form that tries it, and the form that imports pools."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from creatives.models import Placement

MAX_FILE_BYTES = 1 << 20


class TrialForm(forms.Form):
    """On which products, and at which placement's size."""

    products = forms.CharField(
        label="Products",
        required=False,
        max_length=400,
        help_text="Up to six ids, separated by commas. Empty: the newest three of the category.",
    )
    placement = forms.ModelChoiceField(
        Placement.objects.none(),
        required=False,
        empty_label="A small square, quickest",
        help_text="Pictures are painted at its size.",
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["placement"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Placement.objects.filter(is_active=True)

    def clean_products(self) -> list[str]:
        names = (name.strip() for name in self.cleaned_data["products"].split(","))
        return list(dict.fromkeys(name for name in names if name))


class PoolFileForm(forms.Form):
    """A file of prompts."""

    file = forms.FileField(
        label="File",
        help_text="CSV or JSON as the export gives it, up to 1 MB. Nothing is changed before you have seen what would be.",
        widget=forms.FileInput(attrs={"accept": ".csv,.json,text/csv,application/json"}),
    )

    def clean_file(self) -> bytes:
        upload = self.cleaned_data["file"]
        if upload.size > MAX_FILE_BYTES:
            raise ValidationError(f"The file has {upload.size:,} bytes; the limit is {MAX_FILE_BYTES:,}.")
        return bytes(upload.read())

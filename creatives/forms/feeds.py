"""Forms of feeds: uploading one, naming its columns, and feeds by address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError

from creatives.feeds import FORMATS
from creatives.feeds.columns import normalised
from creatives.feeds.guesses import guess
from creatives.feeds.prices import CURRENCIES
from creatives.models import FeedSource, ImportMode
from creatives.services.catalog import CatalogError
from creatives.services.imports import page_template

ACCEPT_FEEDS: Final = (
    ".tsv,.csv,.txt,.xml,.rss,.atom,.zip,.gz,"
    "text/csv,text/tab-separated-values,application/xml,application/zip"
)
FORMAT_CHOICES: Final = [("", "Find out by its header"), *FORMATS.items()]
MODE_CHOICES: Final = [
    (
        ImportMode.AUTO.value,
        "By its format: Google and Meta feeds are the whole catalogue, others add and change",
    ),
    (ImportMode.UPSERT.value, "Add and change products; leave the others as they are"),
    (ImportMode.SNAPSHOT.value, "This is the whole catalogue: retire what is missing"),
]
INTERVALS: Final = [
    (15, "every 15 minutes"), (60, "every hour"), (180, "every 3 hours"), (360, "every 6 hours"),
    (720, "every 12 hours"), (1440, "every day"), (10_080, "every week"),
]  # fmt: skip
FIELD_CHOICES: Final = [
    ("", "– not used –"),
    ("id", "Id (needed)"),
    ("title", "Title"),
    ("link", "Product page"),
    ("image_link", "Picture"),
    ("additional_image_link", "Further pictures"),
    ("description", "Description"),
    ("price", "Price"),
    ("availability", "Availability"),
    ("brand", "Brand"),
    ("color", "Colour"),
    ("size", "Size"),
    ("gender", "Gender"),
    ("product_type", "Category"),
    ("google_product_category", "Google's category"),
    ("item_group_id", "Id of the product that this is a variant of"),
    ("status", "Active or archived"),
]
CURRENCY_HELP: Final = "Of prices that name none, such as EUR."
PAGES_HELP: Final = (
    "Where the feed has no links: https://shop.example/products/{id}, or just a Shopify shop's address."
)


class FactsMixin(forms.Form):
    """What a feed does not say of itself."""

    currency = forms.CharField(label="Currency", required=False, max_length=3, help_text=CURRENCY_HELP)
    link_template = forms.CharField(
        label="Product pages", required=False, max_length=500, help_text=PAGES_HELP
    )

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].strip().upper()
        if currency and currency not in CURRENCIES:
            raise ValidationError(f"{currency} is not an ISO 4217 currency code.")
        return currency

    def clean_link_template(self) -> str:
        try:
            return page_template(self.cleaned_data["link_template"])
        except CatalogError as error:
            raise ValidationError(str(error)) from error


class FeedForm(FactsMixin):
    """A feed and what to do with it. The button says whether it is a dry run."""

    file = forms.FileField(
        label="Feed",
        help_text="Google or Meta TSV, CSV, RSS or Atom, Shopify CSV, or a ZIP with one of them and the pictures it names.",
        widget=forms.FileInput(attrs={"accept": ACCEPT_FEEDS}),
    )
    format = forms.ChoiceField(
        label="Format",
        choices=FORMAT_CHOICES,
        required=False,
        help_text="Choose one if it was taken for another.",
    )
    mode = forms.ChoiceField(
        label="What the feed is",
        choices=MODE_CHOICES,
        widget=forms.RadioSelect,
        initial=ImportMode.AUTO.value,
        required=False,
    )
    strict = forms.BooleanField(
        label="Strict: import nothing if any row is refused",
        required=False,
        help_text="Off: good rows land, and refused ones are listed with what to change.",
    )
    dry_run = forms.BooleanField(required=False, widget=forms.HiddenInput)
    field_order = ["file", "mode", "format", "currency", "link_template", "strict"]

    def clean_mode(self) -> str:
        return self.cleaned_data["mode"] or ImportMode.AUTO.value

    @property
    def more(self) -> list[forms.BoundField]:
        """What few uploads need."""
        return [self[name] for name in ("format", "currency", "link_template", "strict")]

    @property
    def has_more_errors(self) -> bool:
        return any(field.errors for field in self.more)


class ColumnsForm(FactsMixin):
    """What the columns of a file mean: one choice per header. Without headers only currency and pages are asked for."""

    def __init__(self, names: Sequence[str], *args: Any, needs_pages: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names = list(names)
        for number, (name, meant) in enumerate(zip(self._names, guess(self._names), strict=True)):
            self.fields[f"column-{number}"] = forms.ChoiceField(
                label=name or f"Column {number + 1}",
                choices=FIELD_CHOICES,
                required=False,
                initial=meant or "",
            )
        if needs_pages:
            self.fields["link_template"].required = self.fields["currency"].required = True

    @property
    def columns(self) -> dict[str, str]:
        """Fields by normalised header, those that are used."""
        chosen = ((name, self.cleaned_data[f"column-{number}"]) for number, name in enumerate(self._names))
        return {normalised(name): field for name, field in chosen if field}

    def column_fields(self) -> list[forms.BoundField]:
        return [self[f"column-{number}"] for number in range(len(self._names))]

    def fact_fields(self) -> list[forms.BoundField]:
        return [self["currency"], self["link_template"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen = [cleaned.get(f"column-{number}") for number in range(len(self._names))]
        if self._names and "id" not in chosen:
            raise ValidationError("Say which column is the id: the shop's own id of each product.")
        once = [field for field in chosen if field and field != "additional_image_link"]
        if twice := next((field for field in once if once.count(field) > 1), None):
            raise ValidationError(f"Two columns cannot both be “{dict(FIELD_CHOICES)[twice]}”.")
        return cleaned


class FeedSourceForm(FactsMixin, forms.ModelForm):
    """A feed by address."""

    url = forms.URLField(
        label="Address of the feed",
        max_length=2000,
        assume_scheme="https",
        help_text="Open to all: addresses with a user name or password are not taken.",
    )
    format = forms.ChoiceField(
        label="Format",
        choices=FORMAT_CHOICES,
        required=False,
        help_text="Choose one if it was taken for another.",
    )
    mode = forms.ChoiceField(
        label="What the feed is",
        choices=MODE_CHOICES,
        widget=forms.RadioSelect,
        initial=ImportMode.AUTO.value,
    )
    interval_minutes = forms.TypedChoiceField(
        label="Fetch it", choices=INTERVALS, coerce=int, initial=1440,
        help_text="A feed that has not changed costs its host one short answer.",
    )  # fmt: skip
    field_order = [
        "name", "url", "interval_minutes", "mode", "format", "currency", "link_template", "retire_limit",
    ]  # fmt: skip

    class Meta:
        model = FeedSource
        fields = [
            "name", "url", "interval_minutes", "mode", "format", "currency", "link_template", "retire_limit",
        ]  # fmt: skip
        labels = {"name": "Name", "retire_limit": "Retire at most, per cent"}
        help_texts = {
            "name": "Yours, to tell it from others.",
            "retire_limit": "When a feed leaves out more than this share of the catalogue, nothing retires.",
        }

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise ValidationError("A feed's address is an http or https address.")
        if parts.username is not None:
            raise ValidationError("Use an address that is open to all, without user name and password.")
        return url

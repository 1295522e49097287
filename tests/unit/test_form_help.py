"""Every field that somebody fills in says what it decides."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from django import forms

MODULES = (
    *(f"creatives.forms.{name}" for name in ("accounts", "catalog", "comparisons", "feeds", "masks")),
    *(f"creatives.forms.{name}" for name in ("placements", "prompts", "trials")),
    *("review.forms", "bandit.forms_experiments", "bandit.forms_policy"),
)
EXPLAINED_BESIDE = {  # by the legend or the text around them, or by their choices
    "SignInForm": {"username", "password"},
    "MembershipForm": {"merchant"},
    "FeedForm": {"mode"},
    "FeedSourceForm": {"mode"},
    "BoxForm": {"left", "top", "width", "height"},
    "WidenForm": {"enrolled"},
    "RetireForm": {"base"},  # written by the page, not by a person
}
AREAS = {f"safe_{side}" for side in ("top", "right", "bottom", "left")} | {
    f"text_{part}" for part in ("left", "top", "width", "height")
}


def _forms() -> Iterator[type[forms.BaseForm]]:
    for name in MODULES:
        for found in vars(import_module(name)).values():
            if (
                isinstance(found, type)
                and issubclass(found, forms.BaseForm)
                and found.__module__ == name
                and not found.__name__.endswith("FilterForm")
            ):
                yield found


@pytest.mark.parametrize("form", list(_forms()), ids=lambda form: form.__name__)
def test_fields_have_help(form: type[forms.BaseForm]) -> None:
    bare = {
        name
        for name, field in form.base_fields.items()
        if not field.help_text and not isinstance(field.widget, forms.HiddenInput)
    }

    assert bare - AREAS - EXPLAINED_BESIDE.get(form.__name__, set()) == set()

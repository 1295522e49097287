"""`create_api_key` prints a key that works, once, and stores only its digest."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from creatives.models import ApiKey
from tests import factories, studio

pytestmark = pytest.mark.django_db


def key(*arguments: str) -> str:
    out = StringIO()
    call_command("create_api_key", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_merchant_s_key() -> None:
    merchant = factories.merchant("shop")
    secret = key("shop")
    row = ApiKey.objects.get()
    assert (row.merchant, row.recommender, row.digest) == (merchant, None, ApiKey.digest_of(secret))
    assert secret not in {str(value) for value in ApiKey.objects.values_list().get()}


def test_a_recommender_s_key_by_name_or_the_only_one() -> None:
    one = studio.recommender(name="one")
    assert key("--recommender") != key("--recommender", "one")
    assert set(ApiKey.objects.values_list("recommender", flat=True)) == {one.pk}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either MERCHANT or --recommender"),
        (["shop", "--recommender", "one"], "give either MERCHANT or --recommender"),
        (["nowhere"], "no merchant 'nowhere'; there are: shop"),
        (["--recommender", "three"], "no recommender 'three'; there are: one, two"),
        (["--recommender"], "--recommender needs a NAME; there are: one, two"),
    ],
)
def test_bad_arguments_exit_2_and_make_no_key(arguments: list[str], message: str) -> None:
    factories.merchant("shop")
    studio.recommender(name="one")
    studio.recommender(name="two")
    with pytest.raises(CommandError, match=message) as raised:
        key(*arguments)
    assert raised.value.returncode == 2
    assert ApiKey.objects.count() == 0

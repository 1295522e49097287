"""`import_catalog` and `load_demo` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from creatives.models import (
    CatalogImport,
    CreativeRequest,
    Membership,
    Merchant,
    OutboxEntry,
    Placement,
    Product,
    ProductImage,
    PromptVersion,
    User,
)
from tests import factories

pytestmark = pytest.mark.django_db

GOOD = "id\ttitle\tlink\nA\tShoe\thttps://s.example/a\n"
BAD = GOOD + "B\t\thttps://s.example/b\n"


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant("shop")


@pytest.fixture
def feed(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "feed.tsv"
        path.write_text(text)
        return str(path)

    return write


def test_a_good_feed_ends_with_a_summary_and_0(merchant: Merchant, feed: Any, capsys: Any) -> None:
    call_command("import_catalog", "shop", feed(GOOD))
    out, err = capsys.readouterr()
    assert out == "1 rows: 1 created, 0 changed, 0 unchanged, 0 retired, 0 refused\n"
    assert err == ""
    assert Product.objects.get().merchant == merchant
    assert not OutboxEntry.objects.exists(), "nothing is left to the worker"


def test_a_refused_row_ends_with_2_and_the_good_rows_land(merchant: Merchant, feed: Any, capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        call_command("import_catalog", "shop", feed(BAD))
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert out.endswith("1 refused\n")
    assert err == (
        "feed.tsv:3: error: B title: title must not be blank. "
        "Fill it in, or leave the column out to keep what is stored.\n"
    )
    assert list(Product.objects.values_list("external_id", flat=True)) == ["A"]


def test_strict_lands_nothing(merchant: Merchant, feed: Any, capsys: Any) -> None:
    with pytest.raises(CommandError, match="1 of 2 rows were refused; strict") as caught:
        call_command("import_catalog", "shop", feed(BAD), "--strict")
    assert caught.value.returncode == 2
    assert "feed.tsv:3" in capsys.readouterr().err
    assert not Product.objects.exists()


def test_a_dry_run_lands_nothing_and_says_so(merchant: Merchant, feed: Any, capsys: Any) -> None:
    call_command("import_catalog", "shop", feed(GOOD), "--dry-run")
    assert capsys.readouterr().out.startswith("dry run: 1 rows: 1 created")
    assert not Product.objects.exists()


def test_json_is_the_summary_and_nothing_else(merchant: Merchant, feed: Any, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        call_command("import_catalog", "shop", feed(BAD), "--json", "--mode", "snapshot")
    summary = json.loads(capsys.readouterr().out)
    assert {name: summary[name] for name in ("merchant", "mode", "status", "rows", "created", "refused")} == {
        "merchant": "shop", "mode": "snapshot", "status": "done", "rows": 2, "created": 1, "refused": 1,
    }  # fmt: skip
    assert [(issue["line"], issue["id"], issue["column"]) for issue in summary["issues"]] == [
        (3, "B", "title")
    ]


@pytest.mark.parametrize(
    ("slug", "file", "message"),
    [
        ("nobody", None, "no merchant 'nobody'; there are: shop"),
        ("shop", "missing.tsv", "missing.tsv: No such file or directory"),
        ("shop", "/", "/: Is a directory"),
    ],
)
def test_bad_arguments_are_one_line_and_2(
    merchant: Merchant, feed: Any, slug: str, file: str | None, message: str
) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("import_catalog", slug, file or feed(GOOD))
    assert (str(caught.value), caught.value.returncode) == (message, 2)
    assert not CatalogImport.objects.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The upload is empty."),
        ("name\nx\n", "This is no feed: neither XML nor a table with a line of column names."),
    ],
)
def test_a_file_that_is_no_feed_is_one_line_and_2(
    merchant: Merchant, feed: Any, text: str, message: str, capsys: Any
) -> None:
    path = feed(text)
    with pytest.raises(CommandError) as caught:
        call_command("import_catalog", "shop", path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert caught.value.returncode == 2
    assert capsys.readouterr().out == ""
    assert not Product.objects.exists()


def test_load_demo_makes_a_shop_to_try_everything_on(capsys: Any) -> None:
    call_command("load_demo")
    assert capsys.readouterr().err == "", "every row and picture of the demo is good"
    merchant = Merchant.objects.get(slug="demo")
    assert merchant.products.count() >= 24
    assert not ProductImage.objects.exclude(status="ready").exists()
    tops = {product.category.lineage()[-1] for product in merchant.products.select_related("category")}
    assert len(tops) >= 4
    assert {p.prompt.category.path for p in PromptVersion.objects.all()} >= tops
    assert Placement.objects.count() >= 3
    assert set(Membership.objects.values_list("user__email", "role")) == {
        ("merchant@demo.test", "owner"), ("reviewer@demo.test", "reviewer"),
    }  # fmt: skip
    assert User.objects.get(email="admin@demo.test").is_staff
    assert all(person.check_password("demo") for person in User.objects.all())
    assert CreativeRequest.objects.filter(merchant=merchant).count() >= 12


def test_load_demo_twice_changes_nothing(capsys: Any) -> None:
    call_command("load_demo")
    counted = (
        Product,
        ProductImage,
        PromptVersion,
        Placement,
        User,
        Membership,
        CreativeRequest,
        CatalogImport,
    )
    before = [model.objects.count() for model in counted]
    Product.objects.filter(external_id=Product.objects.first().external_id).update(title="Renamed")  # type: ignore[union-attr]
    call_command("load_demo")
    assert [model.objects.count() for model in counted] == before
    assert Product.objects.filter(title="Renamed").count() == 1
    assert capsys.readouterr().out.endswith("The demo merchant is there already.\n")


def test_load_demo_is_refused_unless_allowed(settings: Any) -> None:
    settings.ALLOW_DEMO = False
    with pytest.raises(CommandError, match="public password"):
        call_command("load_demo")
    assert not Merchant.objects.exists()
    assert not User.objects.exists()

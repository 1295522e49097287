"""What a merchant may do with a creative: pause it, go on with it, ask for another; and prompts it does not want."""

from __future__ import annotations

from typing import Any

import pytest

from creatives.models import (
    AuditEntry,
    Creative,
    CreativeRequest,
    Merchant,
    MerchantPlacement,
    OutboxEntry,
    Product,
    PromptVeto,
    User,
    WebhookDelivery,
)
from creatives.selectors.placements import layouts
from creatives.selectors.serving import serving_states
from creatives.services.ahead import ask_ahead, slots_for
from creatives.services.catalog import set_status
from creatives.services.creatives import TransitionError, another, approve, pause, resume
from creatives.services.prompts import retire as retire_prompt
from creatives.services.vetoes import lift, veto
from tests import factories, studio
from tests.bandit_rows import Shop
from tests.review_rows import creative as painted

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    merchant = factories.merchant("shop")
    studio.recommender(merchant)
    return merchant


@pytest.fixture
def editor(merchant: Merchant) -> User:
    return factories.member(merchant, "editor")


@pytest.fixture
def product(merchant: Merchant) -> Product:
    product = factories.product(merchant, external_id="A", category=factories.category("Home > Kitchen"))
    factories.image(product, sha256="a" * 64)
    return product


def approved(merchant: Merchant, product: Product, **fields: Any) -> Creative:
    creative = painted(merchant, product=product, **fields)
    approve(creative.pk)
    WebhookDelivery.objects.all().delete()
    return creative


def state(creative: Creative) -> tuple[str, str]:
    creative.refresh_from_db()
    return creative.status, creative.reason


def events() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("event_type", flat=True))


def test_a_paused_creative_is_not_served_and_recommenders_are_told() -> None:
    merchant = factories.merchant()
    studio.recommender(merchant)
    creative = studio.painted(merchant)
    approve(creative.pk)
    request = creative.request
    want = studio.Want(request.image_sha256, request.prompt_version_id, 300, 250, request.layout)
    assert serving_states(merchant.pk, [want])[want].state == "ready"
    WebhookDelivery.objects.all().delete()
    pause(creative.pk)
    assert serving_states(merchant.pk, [want])[want].state == "rejected"
    resume(creative.pk)
    assert serving_states(merchant.pk, [want])[want].state == "ready"
    assert events() == ["creative.retired", "creative.approved"]


def test_only_what_is_paused_is_resumed(merchant: Merchant, product: Product) -> None:
    waiting = painted(merchant, product=product)
    with pytest.raises(TransitionError, match="is not paused"):
        resume(waiting.pk)
    assert state(waiting) == ("in_review", "")


def noted() -> list[tuple[Any, ...]]:
    return list(AuditEntry.objects.order_by("pk").values_list("by", "merchant", "action", "subject", "url"))


def test_what_a_merchant_does_with_a_creative_is_noted(
    merchant: Merchant, product: Product, editor: User
) -> None:
    creative = approved(merchant, product)
    pause(creative.pk, editor)
    with pytest.raises(TransitionError, match="it cannot become paused"):
        pause(creative.pk, editor)
    resume(creative.pk, editor)
    assert another(creative.pk, editor) is True
    assert another(creative.pk, editor) is False
    subject = f"creative {creative.pk} ({creative.request.prompt_version})"
    assert noted() == [
        (editor.pk, merchant.pk, action, subject, f"/products/{product.pk}/")
        for action in ("paused", "went on with", "asked for another picture in place of")
    ]


def test_what_reviewers_and_products_do_to_a_creative_is_not_noted_as_well(
    merchant: Merchant, product: Product
) -> None:
    creative = approved(merchant, product)
    set_status(product.pk, "retired")
    assert state(creative) == ("retired", "product retired")
    assert not [row for row in noted() if "creative" in row[3]]


def test_a_paused_creative_returns_paused_with_its_product(merchant: Merchant, product: Product) -> None:
    creative = approved(merchant, product)
    pause(creative.pk)
    set_status(product.pk, "retired")
    assert state(creative) == ("retired", "product retired")
    set_status(product.pk, "active")
    assert state(creative) == ("paused", "")
    assert "creative.approved" not in events()


@pytest.mark.parametrize("start", ["in_review", "approved", "paused", "rejected", "retired"])
def test_another_picture_is_painted_instead(merchant: Merchant, product: Product, start: str) -> None:
    creative = painted(merchant, product=product, status=start, reason="before")
    assert another(creative.pk) is True
    alive = start in Creative.ALIVE
    assert state(creative) == (("retired", "another picture asked for") if alive else (start, "before"))
    assert CreativeRequest.objects.get().status == "queued"
    assert OutboxEntry.objects.get().job == "generate"
    assert another(creative.pk) is False, "it is on its way already"


def test_a_retired_prompt_is_not_painted_again(merchant: Merchant, product: Product) -> None:
    creative = approved(merchant, product)
    version = creative.request.prompt_version
    retire_prompt(version.prompt_id, version.version, factories.admin())
    with pytest.raises(TransitionError, match="is retired"):
        another(creative.pk)
    assert not OutboxEntry.objects.exists()


@pytest.mark.parametrize("of", ["product", "category", "parent"])
def test_a_veto_retires_the_prompts_creatives_and_lifting_it_brings_them_back(
    merchant: Merchant, product: Product, editor: User, of: str
) -> None:
    unwanted, other = approved(merchant, product), approved(merchant, product)
    prompt = unwanted.request.prompt_version.prompt
    assert product.category is not None
    target: dict[str, Any] = {
        "product": {"product": product},
        "category": {"category": product.category},
        "parent": {"category": product.category.parent},
    }[of]
    assert veto(merchant, prompt, editor, **target) == 1
    assert veto(merchant, prompt, editor, **target) == 0
    assert (state(unwanted), state(other)) == (("retired", "prompt not wanted"), ("approved", ""))
    assert events() == ["creative.retired"]
    assert lift(PromptVeto.objects.get().pk) == 1
    assert state(unwanted) == ("approved", "")


def test_a_photo_that_a_product_which_wants_the_prompt_shows_keeps_its_creatives(
    merchant: Merchant, product: Product, editor: User
) -> None:
    creative = approved(merchant, product)
    factories.image(factories.product(merchant, category=product.category), sha256="a" * 64)
    assert veto(merchant, creative.request.prompt_version.prompt, editor, product=product) == 0
    assert state(creative) == ("approved", "")


def test_a_product_that_returns_does_not_bring_back_what_is_not_wanted(
    merchant: Merchant, product: Product, editor: User
) -> None:
    unwanted, other = approved(merchant, product), approved(merchant, product)
    set_status(product.pk, "retired")
    veto(merchant, unwanted.request.prompt_version.prompt, editor, product=product)
    assert set_status(product.pk, "active") == 1
    assert (state(unwanted), state(other)) == (("retired", "prompt not wanted"), ("approved", ""))


def test_a_veto_lifted_while_another_stands_brings_nothing_back(
    merchant: Merchant, product: Product, editor: User
) -> None:
    creative = approved(merchant, product)
    prompt = creative.request.prompt_version.prompt
    veto(merchant, prompt, editor, product=product)
    veto(merchant, prompt, editor, category=product.category)
    assert lift(PromptVeto.objects.get(product=product).pk) == 0
    assert state(creative) == ("retired", "prompt not wanted")


def test_vetoes_are_a_merchants_own(merchant: Merchant, product: Product, editor: User) -> None:
    creative = approved(merchant, product)
    other = factories.merchant()
    prompt = creative.request.prompt_version.prompt
    assert veto(other, prompt, editor, category=product.category) == 0
    assert state(creative) == ("approved", "")


def test_what_is_not_wanted_is_not_asked_for(merchant: Merchant, product: Product, editor: User) -> None:
    assert product.category is not None
    wanted, unwanted = (factories.prompt_version(product.category) for _ in range(2))
    factories.placement("home-top")
    veto(merchant, unwanted.prompt, editor, product=product)
    asked = ask_ahead({"shop": merchant}, [("shop", "A")], None, slots_for(None))
    assert [triplet.version for triplet in asked.items[0].triplets] == [wanted]
    assert CreativeRequest.objects.get().prompt_version == wanted


def test_a_merchants_own_layout_goes_before_the_placements(merchant: Merchant, product: Product) -> None:
    placement = factories.placement("home-top", scale=72, anchor="s", margin=8)
    other = factories.merchant()
    MerchantPlacement.objects.create(merchant=merchant, placement=placement, scale=50, anchor="e", margin=4)
    keys = [(merchant.pk, "home-top"), (other.pk, "home-top"), (merchant.pk, "unknown")]
    assert list(layouts(keys).values()) == ["s50-e-m4", "s72-s-m8", "s72-s-m8"]
    assert product.category is not None
    factories.prompt_version(product.category)
    ask_ahead({"shop": merchant}, [("shop", "A")], None, slots_for(None))
    assert CreativeRequest.objects.get().layout == "s50-e-m4"


def test_decisions_follow_vetoes_and_layouts_at_once(editor: User) -> None:
    shop = Shop(prompts=2)
    product = shop.product()
    for version in shop.versions:
        shop.approve(product, version)
    wanted, unwanted = shop.versions

    def shown() -> set[Any]:
        people = ({"id": f"u{n}", "features": {}} for n in range(24))
        answers = [shop.decide(product, user=person) for person in people]
        return {answer["prompt"]["id"] for answer in answers if answer["prompt"]}

    assert shown() == {wanted.prompt_id, unwanted.prompt_id}
    veto(shop.merchant, unwanted.prompt, editor, product=product)
    assert shown() == {wanted.prompt_id}
    lift(PromptVeto.objects.get().pk)
    assert shown() == {wanted.prompt_id, unwanted.prompt_id}
    MerchantPlacement.objects.create(
        merchant=shop.merchant, placement=shop.placement, scale=50, anchor="e", margin=4
    )
    assert shop.decide(product)["variant"] == "original", "the new layout has no picture yet"
    assert CreativeRequest.objects.filter(layout="s50-e-m4").exists()

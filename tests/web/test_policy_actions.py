"""What people may decide on the policy page: who, what it does, what it says, and what nobody may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from bandit.learning import learn_once
from bandit.models import PausedPrompt, Policy, PolicyAction, PoolControl
from bandit.policy_services import set_control
from bandit.safety import Harm, _pause
from creatives.models import Merchant, PromptVersion, User
from tests import factories
from tests.bandit_rows import pool, shown

pytestmark = pytest.mark.django_db


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant(attribution_minutes=60)


@pytest.fixture
def arms(merchant: Merchant) -> list[PromptVersion]:
    """Two prompts, and two versions of a policy."""
    arms = pool(factories.category("Home"), 2)
    for _ in range(2):
        for arm in arms:
            shown(merchant, arm, clicked_after=timedelta(minutes=1))
        learn_once()
    return arms


@pytest.fixture
def owner(merchant: Merchant) -> User:
    return factories.member(merchant, "owner")


@pytest.fixture
def editor(merchant: Merchant) -> User:
    return factories.member(merchant, "editor")


def send(user: User, path: str, merchant: Merchant, **data: str) -> str:
    """The page that a form leads to."""
    response = as_(user).post(path, {"merchant": merchant.slug, **data}, follow=True)
    assert response.status_code == 200, response.content[:200]
    return response.content.decode()


def test_an_owner_goes_back_and_the_page_says_who_and_when(
    merchant: Merchant, arms: list[PromptVersion], owner: User, editor: User
) -> None:
    policy = Policy.objects.get()
    path = f"/policy/{policy.pk}/version/"
    assert as_(editor).post(path, {"version": "1"}).status_code == 403
    page = send(owner, path, merchant, version="1")
    policy.refresh_from_db()
    assert policy.current_version == 1
    assert "Version 1 is in use from now on." in page
    assert "From version 2 to version 1." in page
    assert str(owner) in page
    assert "is not kept any more" in send(owner, path, merchant, version="9")
    assert as_(owner).post(path, {"version": "x"}).status_code == 404
    assert (
        as_(factories.member(factories.merchant(), "owner")).post(path, {"version": "2"}).status_code == 404
    )
    policy.refresh_from_db()
    assert policy.current_version == 1


def test_an_editor_sees_the_versions_and_no_buttons_for_them(
    merchant: Merchant, arms: list[PromptVersion], owner: User, editor: User
) -> None:
    assert "Use this" in as_(owner).get("/policy/").content.decode()
    page = as_(editor).get("/policy/").content.decode()
    assert "impressions whose time was up" in page
    assert "Use this" not in page
    assert "Change this" not in page


def test_the_kill_switch_and_back(merchant: Merchant, arms: list[PromptVersion], editor: User) -> None:
    path = f"/policy/pools/{arms[0].prompt.category_id}/switch/"
    page = send(editor, path, merchant, serve="original")
    assert "Switched off.</strong> Every shopper of this pool sees the original photo only" in page
    assert PoolControl.objects.get().serve == "original"
    assert "shows: Value &#x27;nothing&#x27; is not a valid choice." in send(
        editor, path, merchant, serve="nothing"
    )
    assert "The policy chooses again." in send(editor, path, merchant, serve="policy")
    assert [row.what for row in PolicyAction.objects.all()] == [
        "shows: original → policy",
        "shows: policy → original",
    ]


def test_a_prompt_is_paused_and_shown_again(
    merchant: Merchant, arms: list[PromptVersion], editor: User
) -> None:
    pool_id = arms[0].prompt.category_id
    page = send(editor, f"/policy/pools/{pool_id}/pause/{arms[1].pk}/", merchant)
    assert f"{arms[1].prompt.name} is paused." in page
    assert f"by {editor}." in page
    assert "is paused already" in send(editor, f"/policy/pools/{pool_id}/pause/{arms[1].pk}/", merchant)
    page = send(editor, f"/policy/pools/{pool_id}/resume/{arms[1].pk}/", merchant)
    assert f"{arms[1].prompt.name} is shown again." in page
    assert PausedPrompt.objects.get().resumed_by == editor
    stranger = factories.prompt_version(factories.category("Shoes"))
    path = f"/policy/pools/{pool_id}/pause/{stranger.pk}/"
    assert as_(editor).post(path, {"merchant": merchant.slug}).status_code == 404


def test_what_the_cap_has_paused_is_said_with_its_figures(
    merchant: Merchant, arms: list[PromptVersion], editor: User
) -> None:
    _pause(merchant.pk, arms[0].prompt.category_id, Harm(arms[1].pk, 3210, 0.021, 0.034, 0.089, "others"))
    page = as_(editor).get("/policy/").content.decode()
    assert (
        "because it does harm: 2.10 % of 3,210 impressions were clicked and surely no more than 3.40 %"
        in page
    )
    assert "the other prompts would have had 8.90 %" in page
    assert "the safety cap" in page
    assert "Show it again" in page


def test_settings_are_saved_and_wrong_ones_are_not(
    merchant: Merchant, arms: list[PromptVersion], owner: User, editor: User
) -> None:
    path = f"/policy/pools/{arms[0].prompt.category_id}/settings/"
    good = {
        "kind": "hybrid",
        "alpha": "0.25",
        "exploration": "15",
        "newcomer_share": "10",
        "newcomer_impressions": "300",
        "half_life_hours": "",
        "pauses_harmful": "on",
    }
    assert as_(editor).get(path, {"merchant": merchant.slug}).status_code == 403
    page = send(owner, path, merchant, **good)
    control = PoolControl.objects.get()
    assert (control.kind, control.alpha, control.exploration) == ("hybrid", 0.25, 0.15)
    assert (control.newcomer_share, control.newcomer_impressions) == (0.1, 300)
    assert (control.half_life_hours, control.pauses_harmful, control.is_frozen) == (None, True, False)
    assert "15 % see a prompt at random" in page
    assert "gets at least 10 %" in page
    assert "it takes over when it has been computed from the log" in page
    for name, wrong, said in (
        ("alpha", "11", "less than or equal to 10"),
        ("exploration", "101", "less than or equal to 100"),
        ("newcomer_share", "51", "less than or equal to 50"),
        ("kind", "magic", "not one of the available choices"),
    ):
        response = as_(owner).post(path, {"merchant": merchant.slug, **good, name: wrong})
        assert response.status_code == 422
        assert said in response.content.decode()
    before = control.alpha
    control.refresh_from_db()
    assert control.alpha == before
    assert PolicyAction.objects.count() == 1


def test_the_form_shows_what_holds_in_per_cent(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    category = arms[0].prompt.category
    set_control(merchant, category, owner, exploration=0.07, newcomer_share=0.29)
    page = as_(owner).get(f"/policy/pools/{category.pk}/settings/").content.decode()
    assert 'name="exploration" value="7.0"' in page
    assert 'name="newcomer_share" value="29.0"' in page


def test_pools_of_others_cannot_be_changed(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    other = factories.merchant()
    shoes = pool(factories.category("Shoes"), 1)[0]
    factories.product(other, category=shoes.prompt.category)
    for path in (f"/policy/pools/{shoes.prompt.category_id}/switch/", "/policy/pools/0/switch/"):
        assert as_(owner).post(path, {"merchant": merchant.slug, "serve": "original"}).status_code == 404
        assert as_(owner).post(path, {"merchant": other.slug, "serve": "original"}).status_code == 404
    assert not PoolControl.objects.exists()


def test_no_address_takes_a_get_for_a_change(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    pool_id = arms[0].prompt.category_id
    for path in (f"pools/{pool_id}/switch/", f"pools/{pool_id}/pause/{arms[0].pk}/", "1/version/"):
        assert as_(owner).get(f"/policy/{path}").status_code == 405

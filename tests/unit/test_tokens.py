"""Decision tokens: what goes in comes out, and nothing else opens."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha512
from uuid import UUID

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.tokens import MAX_LENGTH, DecisionToken, TokenError, seal, unseal, user_key

ISSUED = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
TOKEN = DecisionToken(
    decision_id=UUID("8a9d1a6e-6b1c-4a52-9a2b-2f8d6d0a7c11"),
    merchant_id=3,
    product_id=41,
    category_id=7,
    creative_id=900,
    prompt_version_id=12,
    variant="generated",
    is_fallback=False,
    experiment_id=5,
    arm="personalised",
    arm_kind="personalised",
    propensity=1 - 0.1 * 2 / 3,
    policy_version=17,
    encoding_version=1,
    placement="home-top",
    device="mobile",
    user_key="0123456789abcdef0123456789abcdef",
    features={
        "user": {"device": "mobile", "age": 31, "loyal": True},
        "item": {"category": "Apparel & Accessories > Shoes", "price": 89.9},
        "placement": {"placement": "home-top", "width": 300, "height": 250, "site": "news"},
    },
    is_simulated=False,
    issued_at=ISSUED,
    expires_at=ISSUED + timedelta(days=1),
)
VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20))
FEATURES = st.dictionaries(st.text(max_size=12), VALUES, max_size=4)


def flip(text: str, position: int) -> str:
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[position] ^= 1
    return base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()


def test_round_trip() -> None:
    assert unseal(seal(TOKEN)) == TOKEN


@given(user=FEATURES, placement=FEATURES, propensity=st.floats(1e-9, 1.0), simulated=st.booleans())
@settings(max_examples=50)
def test_any_decision_survives_the_round_trip(
    user: dict, placement: dict, propensity: float, simulated: bool
) -> None:
    token = replace(
        TOKEN,
        features={"user": user, "item": {}, "placement": placement},
        propensity=propensity,
        is_simulated=simulated,
        creative_id=None,
    )
    assert unseal(seal(token)) == token


def test_a_token_is_url_safe_and_compact() -> None:
    text = seal(TOKEN)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(text) < 450


def test_two_tokens_of_one_decision_differ() -> None:
    assert seal(TOKEN) != seal(TOKEN)


def test_a_token_shows_nothing_of_its_content() -> None:
    raw = base64.urlsafe_b64decode(seal(TOKEN) + "==")
    assert b"mobile" not in raw
    assert TOKEN.decision_id.bytes not in raw


def test_every_byte_is_protected() -> None:
    text = seal(TOKEN)
    size = len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    for position in range(size):
        with pytest.raises(TokenError):
            unseal(flip(text, position))


@pytest.mark.parametrize(
    "text", ["", "x", "not a token", "é", "A" * 200, "A" * (MAX_LENGTH + 1), "AQ==", "....", "\x00"]
)
def test_rubbish_is_no_token(text: str) -> None:
    with pytest.raises(TokenError):
        unseal(text)


def test_another_spelling_of_the_same_bytes_is_refused() -> None:
    text = seal(TOKEN)
    for other in (text + "=", text[:-1], text + "A", " " + text, text + "\n"):
        with pytest.raises(TokenError):
            unseal(other)


def test_a_key_of_another_installation_opens_nothing() -> None:
    with override_settings(SECRET_KEY="another-key-" + "1" * 50):
        text = seal(TOKEN)
    with pytest.raises(TokenError):
        unseal(text)


def test_a_rotated_key_still_opens_what_it_sealed() -> None:
    with override_settings(SECRET_KEY="old-key-" + "1" * 50):
        text = seal(TOKEN)
    with override_settings(SECRET_KEY="new-key-" + "2" * 50, SECRET_KEY_FALLBACKS=["old-key-" + "1" * 50]):
        assert unseal(text) == TOKEN
        assert unseal(seal(TOKEN)) == TOKEN


def test_expiry_is_the_one_that_was_promised() -> None:
    text = seal(TOKEN)
    assert not unseal(text).is_expired(TOKEN.expires_at)
    assert unseal(text).is_expired(TOKEN.expires_at + timedelta(milliseconds=1))


def test_a_token_too_long_for_a_url_is_refused() -> None:
    noise = {str(number): sha512(bytes([number])).hexdigest() for number in range(60)}
    with pytest.raises(ValueError, match="at most 3500"):
        seal(replace(TOKEN, features={"user": noise, "item": {}, "placement": {}}))


def test_user_keys_hide_the_id_and_keep_merchants_apart() -> None:
    key = user_key(3, "shopper-1")
    assert key == user_key(3, "shopper-1")
    assert len(key) == 32
    assert int(key, 16) >= 0
    assert key != user_key(4, "shopper-1")
    assert key != user_key(3, "shopper-2")


def test_a_secret_for_user_keys_outlives_a_rotation_of_the_other() -> None:
    with override_settings(USER_KEY_SECRET="kept", SECRET_KEY="one" * 20):
        before = user_key(3, "shopper-1")
    with override_settings(USER_KEY_SECRET="kept", SECRET_KEY="two" * 20):
        assert user_key(3, "shopper-1") == before

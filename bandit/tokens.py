"""Decision tokens: what was decided, sealed into the impression and click URLs, so that a decision writes nothing.

A token is ``base64url(version byte, 12-byte nonce, AES-GCM-SIV(deflated JSON))`` (RFC 8452: a repeated nonce gives nothing
away but equality, and many processes draw nonces without knowing of each other). Nobody without the key can read, change or
forge one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

MAX_LENGTH = 3500  # gunicorn refuses a request line of more than 4094 bytes
_VERSION = b"\x01"
_NONCE_BYTES = 12
# What features and arms are usually made of: short texts deflate to half the size with it. It is part of the version.
_DICTIONARY = (
    b'["price_band","brand","color","title","availability","site","country","language","hour","app","web","segment","gender",'
    b'"Apparel & Accessories > Shoes","Home & Garden > Kitchen","original","positioned","tablet","desktop","mobile",true,'
    b'false,null,"random","personalised","generated",{"user":{"age":31,"device":"mobile"},"item":{"category":"","price":19.99},'
    b'"placement":{"placement":"","width":300,"height":250}}]'
)


class TokenError(ValueError):
    """Not a token of ours: forged, damaged, or sealed with a key that is gone."""


@dataclass(frozen=True)
class DecisionToken:
    """One decision. Ids are primary keys; ``features`` are the raw ones by group (user, item, placement)."""

    decision_id: UUID
    merchant_id: int
    product_id: int
    category_id: int | None
    creative_id: int | None
    prompt_version_id: int | None
    variant: str
    is_fallback: bool
    experiment_id: int | None
    arm: str
    arm_kind: str
    propensity: float
    policy_version: int
    encoding_version: int
    placement: str
    device: str
    user_key: str
    features: dict[str, dict[str, Any]]
    is_simulated: bool
    issued_at: datetime
    expires_at: datetime

    def is_expired(self, now: datetime) -> bool:
        return now > self.expires_at


def seal(token: DecisionToken) -> str:
    """The token's text, safe in a URL. Raises ValueError when it is longer than ``MAX_LENGTH``."""
    body = json.dumps(_pack(token), separators=(",", ":"), ensure_ascii=False).encode()
    squeeze = zlib.compressobj(6, zdict=_DICTIONARY)
    nonce = os.urandom(_NONCE_BYTES)
    box = _cipher(settings.SECRET_KEY).encrypt(nonce, squeeze.compress(body) + squeeze.flush(), _VERSION)
    text = base64.urlsafe_b64encode(_VERSION + nonce + box).rstrip(b"=").decode()
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a decision token of {len(text)} characters, at most {MAX_LENGTH}")
    return text


def unseal(text: str) -> DecisionToken:
    """The decision of a token, expired or not; raises TokenError when it is not ours."""
    if not text or len(text) > MAX_LENGTH or not text.isascii():
        raise TokenError("not a decision token")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise TokenError("not a decision token") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text or raw[:1] != _VERSION:
        raise TokenError("not a decision token")
    nonce, box = raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES :]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            squeezed = _cipher(secret).decrypt(nonce, box, _VERSION)
        except (InvalidTag, ValueError):
            continue
        return _unpack(json.loads(zlib.decompressobj(zdict=_DICTIONARY).decompress(squeezed)))
    raise TokenError("not a decision token")


def lifetime() -> timedelta:
    """How long impressions and clicks of a decision are counted."""
    return timedelta(seconds=settings.DECISION_TOKEN_TTL_SECONDS)


def user_key(merchant_id: int, user_id: str) -> str:
    """32 hexadecimal digits for a user: the same in every event of a merchant, and no way back to the id."""
    secret = settings.USER_KEY_SECRET or settings.SECRET_KEY
    message = f"user:{merchant_id}:{user_id}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:32]


@lru_cache(maxsize=8)
def _cipher(secret: str) -> AESGCMSIV:
    return AESGCMSIV(
        HKDF(SHA256(), length=32, salt=None, info=b"bandit.decision-token").derive(secret.encode())
    )


def _pack(token: DecisionToken) -> list[Any]:
    """The fields in order: names would double the size."""
    values = {
        **token.__dict__,
        "decision_id": token.decision_id.hex,
        "is_fallback": int(token.is_fallback),
        "is_simulated": int(token.is_simulated),
        "issued_at": _milliseconds(token.issued_at),
        "expires_at": _milliseconds(token.expires_at),
    }
    return list(values.values())


def _unpack(values: list[Any]) -> DecisionToken:
    fields = dict(zip(DecisionToken.__dataclass_fields__, values, strict=True))
    fields["decision_id"] = UUID(hex=fields["decision_id"])
    for name in ("is_fallback", "is_simulated"):
        fields[name] = bool(fields[name])
    for name in ("issued_at", "expires_at"):
        fields[name] = datetime.fromtimestamp(fields[name] / 1000, UTC)
    return DecisionToken(**fields)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)

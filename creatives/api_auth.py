"""Bearer keys of merchants and recommenders."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from creatives.models import ApiKey, Merchant

Find = Callable[[HttpRequest, str], ApiKey | None]


class ApiKeyAuth(HttpBearer):
    """``request.auth`` becomes the ApiKey. ``find`` looks one up by its secret; by default in the database."""

    def __init__(self, find: Find | None = None) -> None:
        super().__init__()
        self._find = find or (lambda request, secret: live_key(secret))

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        """The live key of ``token``; None (401) for an unknown, revoked or switched-off one."""
        return self._find(request, token)


def live_key(secret: str) -> ApiKey | None:
    """The key of ``secret`` that may be used, or None (1 query)."""
    key = (
        ApiKey.objects.select_related("merchant", "recommender")
        .filter(digest=ApiKey.digest_of(secret), revoked_at__isnull=True)
        .first()
    )
    if key is None or not (key.merchant or key.recommender).is_active:  # type: ignore[union-attr]
        return None
    return key


def merchants_of(key: ApiKey) -> list[Merchant]:
    """The merchants a key may act for: its own, or those that the recommender serves."""
    if key.merchant is not None:
        return [key.merchant]
    assert key.recommender is not None
    return list(key.recommender.merchants.filter(is_active=True))


def merchant_or_404(key: ApiKey, slug: str) -> Merchant:
    """The merchant ``slug`` if ``key`` may act for it; raises HttpError 404 otherwise, whether it exists or not."""
    for merchant in merchants_of(key):
        if merchant.slug == slug:
            return merchant
    raise HttpError(404, f"no merchant {slug!r} for this key")

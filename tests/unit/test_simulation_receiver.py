"""The simulator's webhook endpoint takes a genuine message once and refuses everything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import requests
from standardwebhooks.webhooks import Webhook

from bandit.simulation.receiver import PictureCache, listening

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtMTIz"


def signed(message: dict[str, object], message_id: str, secret: str = SECRET) -> tuple[dict[str, str], str]:
    body, now = json.dumps(message), datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }, body


def approved(creative: int) -> dict[str, object]:
    return {
        "type": "creative.approved",
        "data": {"id": creative, "renditions": [{"url": f"http://x/{creative}.png"}]},
    }


def test_approved_pictures_are_kept_and_retired_ones_dropped() -> None:
    cache = PictureCache(SECRET)
    with listening(cache) as url:
        for message, message_id in ((approved(1), "a"), (approved(2), "b"), (approved(2), "b")):
            headers, body = signed(message, message_id)
            assert requests.post(url, body, headers=headers, timeout=5).status_code == 204
        headers, body = signed({"type": "creative.retired", "data": {"id": 1}}, "c")
        requests.post(url, body, headers=headers, timeout=5)
    assert set(cache.pictures) == {2}
    assert cache.urls() == {"http://x/2.png"}
    assert (cache.received, cache.duplicates, cache.refused) == (3, 1, 0)


@pytest.mark.parametrize("secret", ["whsec_" + "b3RoZXItb3RoZXItb3RoZXItb3RoZXIt"])
def test_a_message_signed_by_somebody_else_changes_nothing(secret: str) -> None:
    cache = PictureCache(SECRET)
    with listening(cache) as url:
        headers, body = signed(approved(1), "a", secret)
        assert requests.post(url, body, headers=headers, timeout=5).status_code == 400
    assert (cache.pictures, cache.received, cache.refused) == ({}, 0, 1)

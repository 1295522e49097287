"""Sending a message as Standard Webhooks (https://www.standardwebhooks.com) through a client that is safe from SSRF."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import requests
from django.conf import settings
from requests_hardened import Config, Manager
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from creatives.models import Recommender, WebhookDelivery

USER_AGENT = "product-studio-webhooks/1"
CONNECT_SECONDS = 3.05
EXCERPT_BYTES = 500


@dataclass(frozen=True)
class Answer:
    """How an attempt ended. ``status`` is None when the endpoint did not answer at all."""

    status: int | None
    error: str = ""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """410: the endpoint asks not to be called again."""
        return self.status == 410

    @property
    def unreachable(self) -> bool:
        return self.status is None


def body_of(delivery: WebhookDelivery) -> str:
    """The JSON text that is signed and sent."""
    return json.dumps(delivery.payload, separators=(",", ":"), ensure_ascii=False)


def headers_of(delivery: WebhookDelivery, body: str, at: datetime) -> dict[str, str]:
    """The specification's headers. While a secret is rotated there are two signatures: the new one's and the old one's.

    Raises ValueError when the recommender has no usable secret.
    """
    message_id = f"msg_{delivery.message_id.hex}"
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in _secrets(delivery.recommender)]
    if not signatures:
        raise ValueError(f"recommender {delivery.recommender} has no webhook secret")
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def post(delivery: WebhookDelivery) -> Answer:
    """One attempt. Never raises: whatever goes wrong is in the answer. Redirects are refused, not followed."""
    body = body_of(delivery)
    try:
        headers = headers_of(delivery, body, datetime.now(UTC))
        with _client().get_session() as session:
            session.trust_env = (
                False  # a proxy of the environment would resolve names behind the filter's back
            )
            with session.post(
                delivery.recommender.webhook_url, data=body.encode(), headers=headers, stream=True
            ) as response:
                return _answer(response)
    except (requests.RequestException, EmptyWebhookSecretError, ValueError, OSError) as error:
        return Answer(None, _excerpt(f"{type(error).__name__}: {error}"))


def _client() -> Manager:
    """A client that refuses private, loopback and link-local addresses, unless the installation allows them."""
    return Manager(
        Config(
            ip_filter_enable=not settings.ALLOW_PRIVATE_HOSTS,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=(
                min(CONNECT_SECONDS, settings.WEBHOOK_TIMEOUT_SECONDS),
                settings.WEBHOOK_TIMEOUT_SECONDS,
            ),
            user_agent_override=USER_AGENT,
        )
    )


def _answer(response: requests.Response) -> Answer:
    """Status and, unless it was accepted, the first bytes of the body: no more of it is ever read."""
    if 200 <= response.status_code < 300:
        return Answer(response.status_code)
    try:
        text = next(response.iter_content(EXCERPT_BYTES), b"").decode(errors="replace")
    except requests.RequestException:
        text = ""
    return Answer(response.status_code, _excerpt(text or response.reason or ""))


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:EXCERPT_BYTES].replace("\x00", "")


def _secrets(recommender: Recommender) -> list[str]:
    return [secret for secret in (recommender.webhook_secret, recommender.webhook_secret_previous) if secret]

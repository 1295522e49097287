"""Builders of decision tokens and log rows for tests of the bandit."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from django.utils import timezone

from bandit.events import record_click, record_impression
from bandit.lessons import packed
from bandit.lineage import chain
from bandit.models import Impression, LearningStep, Policy
from bandit.tokens import DecisionToken, unseal
from creatives.models import ApiKey, Category, Creative, CreativeRequest, Merchant, Product, PromptVersion
from creatives.services.generation import Want, request_creatives
from creatives.services.sizes import layout_of
from tests import factories

FEATURES = {
    "user": {"device": "mobile", "age": 31},
    "item": {"category": "Home", "price": 20.0},
    "placement": {"id": "home-top", "width": 300, "height": 250},
}


def token(merchant: Merchant, version: PromptVersion | None = None, **fields: Any) -> DecisionToken:
    """A generated creative of ``version`` that was decided two hours ago, with what ``fields`` say otherwise."""
    issued_at = fields.pop("issued_at", timezone.now() - timedelta(hours=2))
    made = DecisionToken(
        decision_id=uuid.uuid4(),
        merchant_id=merchant.pk,
        product_id=1,
        category_id=version.prompt.category_id if version else None,
        creative_id=1,
        prompt_version_id=version.pk if version else None,
        variant="generated" if version else "original",
        is_fallback=False,
        experiment_id=None,
        arm="personalised",
        arm_kind="personalised",
        propensity=0.5,
        policy_version=0,
        encoding_version=1,
        placement="home-top",
        device="mobile",
        user_key="0" * 32,
        features=FEATURES,
        is_simulated=False,
        issued_at=issued_at,
        expires_at=issued_at + timedelta(days=1),
    )
    return replace(made, **fields)


def shown(
    merchant: Merchant,
    version: PromptVersion | None,
    *,
    clicked_after: timedelta | None = None,
    occurred_at: datetime | None = None,
    **fields: Any,
) -> Impression:
    """A recorded impression, by default of two hours ago, and its click if it has one."""
    made = token(merchant, version, **fields)
    record_impression(made, occurred_at or made.issued_at)
    if clicked_after is not None:
        record_click(made, (occurred_at or made.issued_at) + clicked_after)
    return Impression.objects.get(pk=made.decision_id)


def learned(policy: Policy) -> dict[uuid.UUID, tuple[int, int]]:
    """What the current version of ``policy`` learned: the version and the reward, by decision."""
    found = {}
    for step in LearningStep.objects.filter(pk__in=chain(policy)):
        for key, reward in zip(packed(bytes(step.decision_ids)), bytes(step.rewards), strict=True):
            found[uuid.UUID(bytes=key)] = (step.version, reward)
    return found


def pool(category: Category, size: int = 3) -> list[PromptVersion]:
    """A pool of ``size`` prompts."""
    return [factories.prompt_version(category) for _ in range(size)]


class Shop:
    """A merchant with a pool, one product with a photo, a placement and an API client."""

    def __init__(self, prompts: int = 3, **fields: Any) -> None:
        self.merchant = factories.merchant(**fields)
        self.category = factories.category(f"Home {self.merchant.slug}")
        self.versions = pool(self.category, prompts)
        self.placement = factories.placement()
        self.products = [self.product()]
        _, self.key = ApiKey.issue(merchant=self.merchant)

    def product(self, **fields: Any) -> Product:
        made = factories.product(self.merchant, **({"category": self.category, "price": "19.99"} | fields))
        factories.image(made)
        return made

    def approve(self, product: Product, version: PromptVersion, status: str = "approved") -> Creative:
        """A creative of the product's photo in the size of the placement."""
        image = product.images.get()
        width, height = self.placement.width, self.placement.height
        want = Want(image.sha256, version.pk, width, height, layout_of(self.placement))
        request_creatives(self.merchant, [want])
        requests = CreativeRequest.objects.filter(image_sha256=image.sha256, prompt_version=version)
        request = requests.latest("pk")
        creative = Creative.objects.create(merchant=self.merchant, request=request, seed=1, status=status)
        CreativeRequest.objects.filter(pk=request.pk).update(status="done")
        request.renditions.update(creative=creative, file=f"creatives/{creative.pk}.png")
        return creative

    def body(self, *products: Product, **fields: Any) -> dict[str, Any]:
        placement = {
            "id": self.placement.slug,
            "width": self.placement.width,
            "height": self.placement.height,
        }
        items = [{"merchant": self.merchant.slug, "id": p.external_id} for p in products or self.products]
        return {
            "user": {"id": "u1", "features": {"device": "mobile"}},
            "placement": placement,
            "items": items,
        } | fields

    def ask(self, *products: Product, **fields: Any) -> Any:
        """The response of POST /decisions."""
        return post("/api/v1/decisions", self.body(*products, **fields), self.key)

    def decide(self, *products: Product, **fields: Any) -> Any:
        """The first decision."""
        response = self.ask(*products, **fields)
        assert response.status_code == 200, response.content
        return response.json()["decisions"][0]


def post(path: str, body: Any, key: str) -> Any:
    return Client().post(path, body, "application/json", headers={"Authorization": f"Bearer {key}"})


def token_in(url: str) -> DecisionToken:
    """The decision that an impression URL carries."""
    return unseal(url.split("/e/")[1].split("/")[0])


def path_of(url: str) -> str:
    """A URL as the test client wants it."""
    return urlsplit(url).path

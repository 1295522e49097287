"""Who may do what at every address: the world of the tenancy test and its table of expected statuses.

A row is one request and the status that each role gets. The merchant of the world is "ours": ``owner``, ``editor`` and
``reviewer`` belong to it, ``foreign`` owns another merchant, ``admin`` is a platform administrator. ``LOGIN`` is a redirect
to the sign-in page. Addresses of the API are tried with the sessions of all these people (none may get in) and with keys.
Add a row for each new address; the test fails for an address without one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from bandit.experiments import DEFAULT_ARMS, create_experiment
from bandit.models import Experiment, Policy, PolicyComparison
from creatives.models import (
    ApiKey,
    CatalogImport,
    Creative,
    CreativeRequest,
    Membership,
    Merchant,
    Placement,
    Product,
    ProductImage,
    ProfileComparison,
    PromptVersion,
    Recommender,
    User,
    WebhookDelivery,
)
from review.models import Decision, GoldItem, PromptTrust, SecondOpinion
from tests import factories

LOGIN = "redirect to the sign-in page"
ROLES = ("anonymous", "foreign", "owner", "editor", "reviewer", "admin")


@dataclass(frozen=True)
class World:
    """One row of each kind, all of our merchant's."""

    people: dict[str, User | None]
    merchant: Merchant
    image: ProductImage
    version: PromptVersion
    placement: Placement
    creative: Creative
    request: CreativeRequest
    feed: CatalogImport
    key: ApiKey
    recommender: Recommender
    recommender_key: ApiKey
    membership: Membership
    delivery: WebhookDelivery
    experiment: Experiment
    policy: Policy
    comparison: PolicyComparison
    profile_comparison: ProfileComparison
    second_opinion: SecondOpinion
    gold_item: GoldItem
    prompt_trust: PromptTrust
    secrets: dict[str, str]

    @property
    def product(self) -> Product:
        return self.image.product


def build_world() -> World:
    """The rows."""
    ours, theirs = factories.merchant("ours"), factories.merchant("theirs")
    people: dict[str, User | None] = {
        role: factories.member(ours, role) for role in ("owner", "editor", "reviewer")
    }
    people |= {"anonymous": None, "foreign": factories.member(theirs, "owner"), "admin": factories.admin()}
    category = factories.category("Home")
    version = factories.prompt_version(category)
    image = factories.image(factories.product(ours, category=category))
    triplet = {"merchant": ours, "image_sha256": image.sha256, "prompt_version": version}
    request = CreativeRequest.objects.create(
        **triplet,
        bucket="320x256",
        layout="s72-s-m8",
        pipeline_version="1",
        status="failed",
        error="no memory",
    )
    files = {name: f"steps/{name}.png" for name in ("mask", "placed", "edges", "generated", "final")}
    creative = Creative.objects.create(merchant=ours, request=request, seed=1, **files)
    recommender = Recommender.objects.create(name="shop", webhook_url="https://shop.example/hook")
    recommender.merchants.add(ours)
    key, our_secret = ApiKey.issue(merchant=ours)
    recommender_key, recommender_secret = ApiKey.issue(recommender=recommender)
    _, their_secret = ApiKey.issue(merchant=theirs)
    membership = Membership.objects.get(user=people["editor"])
    return World(
        people=people,
        merchant=ours,
        image=image,
        version=version,
        placement=factories.placement("home-top"),
        creative=creative,
        request=request,
        feed=CatalogImport.objects.create(merchant=ours, filename="feed.tsv", file="feeds/feed.tsv"),
        key=key,
        recommender=recommender,
        recommender_key=recommender_key,
        membership=membership,
        delivery=WebhookDelivery.objects.create(
            merchant=ours, recommender=recommender, event_type="creative.approved", dedupe_key="1", payload={}
        ),
        experiment=create_experiment(ours, "prompts or photos", DEFAULT_ARMS),
        policy=Policy.objects.create(merchant=ours, category=category, encoding_version=1),
        comparison=PolicyComparison.objects.create(merchant=ours, category=category),
        profile_comparison=ProfileComparison.objects.create(
            merchant=ours,
            image_sha256=image.sha256,
            prompt="a table",
            seed=1,
            width=300,
            height=250,
            layout="s72-s-m8",
        ),
        **_checks(request, people, files),
        secrets={"ours": our_secret, "theirs": their_secret, "recommender": recommender_secret},
    )


def _checks(
    request: CreativeRequest, people: dict[str, User | None], files: dict[str, str]
) -> dict[str, Any]:
    """A decided creative in another size, drawn for a second opinion and used as a gold item."""
    triplet = {
        name: getattr(request, name) for name in ("merchant", "image_sha256", "prompt_version", "layout")
    }
    other = CreativeRequest.objects.create(**triplet, bucket="256x320", pipeline_version="1", status="done")
    decided = {"merchant": request.merchant, "creative": None}
    decided["creative"] = Creative.objects.create(
        merchant=request.merchant, request=other, seed=1, status="approved", **files
    )
    line = Decision.objects.create(**decided, reviewer=people["reviewer"], action="approve")
    trust = {"prompt_version": request.prompt_version, "category": factories.category("Home")}
    return {
        "second_opinion": SecondOpinion.objects.create(**decided, kind="sample", first=line, lean="approve"),
        "gold_item": GoldItem.objects.create(**decided, expected="approve", set_by=people["admin"]),
        "prompt_trust": PromptTrust.objects.create(merchant=request.merchant, **trust),
    }


Expected = str | int
Arguments = Callable[[World], dict[str, Any]]


def nothing(world: World) -> dict[str, Any]:
    """No arguments."""
    return {}


class Row(NamedTuple):
    """One request and what each role gets."""

    route: str
    statuses: tuple[Expected, ...]
    method: str = "GET"
    path: Arguments = nothing
    data: Arguments = nothing


class ApiRow(NamedTuple):
    """One request of the API and what each key gets: none, the other merchant's, ours, and our recommender's."""

    route: str
    method: str
    statuses: tuple[int, int, int, int]
    path: Arguments = nothing
    body: Any = None


KEYS = ("none", "theirs", "ours", "recommender")


@dataclass
class Table:
    """Collects rows with little to write."""

    rows: list[Row] = field(default_factory=list)
    api_rows: list[ApiRow] = field(default_factory=list)

    @property
    def routes(self) -> set[str]:
        """All routes that the table names."""
        return {row.route for row in (*self.rows, *self.api_rows)}

    def api(self, method: str, route: str, *statuses: int, **options: Any) -> None:
        """Statuses without a key (or with a person's session instead), and with their, our and our recommender's key."""
        none, theirs, ours, recommender = statuses
        self.api_rows.append(ApiRow("api/v1/" + route, method, (none, theirs, ours, recommender), **options))

    def add(self, route: str, *statuses: Expected, **options: Any) -> None:
        """Statuses of anonymous, foreign, owner, editor, reviewer, admin."""
        assert len(statuses) == len(ROLES), route
        self.rows.append(Row(route, statuses, **options))

    def public(self, route: str, status: int = 200, **options: Any) -> None:
        """The same for everyone."""
        self.add(route, *[status] * len(ROLES), **options)

    def admins(self, route: str, status: int = 200, **options: Any) -> None:
        """For administrators only."""
        self.add(route, LOGIN, 403, 403, 403, 403, status, **options)

    def list_for(self, roles: str, route: str, status: int = 200, **options: Any) -> None:
        """A page of one's own merchants, for ``roles`` ("owner editor"); a foreign owner sees an empty one."""
        self._roles(roles, status if "owner" in roles else 403, route, status, **options)

    def row_of(self, roles: str, route: str, status: int = 200, **options: Any) -> None:
        """A page of one row of ours: 404 for foreign owners, where owners are among ``roles``."""
        self._roles(roles, 404 if "owner" in roles else 403, route, status, **options)

    def _roles(self, roles: str, foreign: int, route: str, status: int, **options: Any) -> None:
        ours = [status if role in roles.split() else 403 for role in ("owner", "editor", "reviewer")]
        self.add(route, LOGIN, foreign, *ours, status, **options)


MERCHANT, ANY = "owner editor", "owner editor reviewer"
post = partial(dict, method="POST")

"""The expected status of every address for every role; see ``access``."""

from __future__ import annotations

from typing import Any

from creatives.models import AuditEntry, FeedSource, PromptTrial, PromptVeto
from tests.web.access import ANY, LOGIN, MERCHANT, Table, World, post

TABLE = Table()
ours = {"data": lambda w: {"merchant": "ours"}}


def _person(w: World) -> dict[str, Any]:
    return {"person_id": w.people["editor"].pk}  # type: ignore[union-attr]


def _operations() -> None:
    TABLE.public("healthz")
    TABLE.public("readyz")
    TABLE.public("metrics")
    TABLE.public("media/<path>", 404, path=lambda w: {"path": "no-such-file.png"})


def _accounts() -> None:
    TABLE.add("", LOGIN, 200, 200, 200, 200, 200)
    TABLE.add("", LOGIN, 404, 200, 200, 404, 200, **ours)
    TABLE.add("login/", 200, 302, 302, 302, 302, 302)
    TABLE.add("logout/", *[302] * 6, **post())
    TABLE.public("welcome/<uidb64>/<token>/", path=lambda w: {"uidb64": "MQ", "token": "wrong-token"})
    TABLE.add("password/", LOGIN, *[200] * 5)
    for route in (
        "people/",
        "people/add/",
        "merchants/",
        "merchants/add/",
        "recommenders/",
        "recommenders/add/",
    ):
        TABLE.admins(route)
    TABLE.admins("people/<int:person_id>/", path=_person)
    TABLE.admins("people/<int:person_id>/roles/", 422, **post(path=_person))
    TABLE.admins(
        "people/<int:person_id>/roles/<int:membership_id>/remove/",
        302,
        **post(path=lambda w: _person(w) | {"membership_id": w.membership.pk}),
    )
    TABLE.admins("people/<int:person_id>/welcome/", **post(path=_person))
    TABLE.admins("merchants/<slug:slug>/settings/", path=lambda w: {"slug": "ours"})
    TABLE.list_for("owner", "keys/")
    TABLE.add("keys/", LOGIN, 404, 200, 403, 403, 200, **ours)
    TABLE.add("keys/add/", LOGIN, 404, 200, 403, 403, 200, **post(**ours))
    TABLE.row_of("owner", "keys/<int:key_id>/revoke/", 302, **post(path=lambda w: {"key_id": w.key.pk}))
    TABLE.add(
        "keys/<int:key_id>/revoke/",
        *(LOGIN, 404, 404, 403, 403, 302),
        **post(path=lambda w: {"key_id": w.recommender_key.pk}),
    )
    recommender = {"path": lambda w: {"recommender_id": w.recommender.pk}}
    TABLE.admins("recommenders/<int:recommender_id>/", **recommender)
    TABLE.admins("recommenders/<int:recommender_id>/keys/", **post(**recommender))
    TABLE.admins("recommenders/<int:recommender_id>/secret/", **post(**recommender))


def _veto(w: World) -> dict[str, Any]:
    """A veto of our merchant on its product."""
    veto, _ = PromptVeto.objects.get_or_create(
        merchant=w.merchant, prompt=w.version.prompt, product=w.product, category=None
    )
    return {"product_id": w.product.pk, "veto_id": veto.pk}


def _source(w: World) -> dict[str, Any]:
    """A feed by address of our merchant."""
    source, _ = FeedSource.objects.get_or_create(
        merchant=w.merchant, name="Main", defaults={"url": "https://shop.example/feed.tsv"}
    )
    return {"source_id": source.pk}


def _catalogue() -> None:
    feed = {"path": lambda w: {"import_id": w.feed.pk}}
    product = {"path": lambda w: {"product_id": w.product.pk}}
    TABLE.list_for(ANY, "catalog/")
    TABLE.row_of(ANY, "catalog/", **ours)
    TABLE.list_for(MERCHANT, "catalog/upload/")
    TABLE.row_of(MERCHANT, "catalog/upload/", **ours)
    TABLE.row_of(MERCHANT, "catalog/upload/", 422, **post(**ours))
    TABLE.list_for(ANY, "masks/")
    TABLE.row_of(ANY, "masks/", **ours)
    picture = {"path": lambda w: {"image_id": w.image.pk}}
    TABLE.row_of(ANY, "masks/<int:image_id>/", **picture)
    TABLE.row_of(ANY, "masks/<int:image_id>/", 302, **post(**picture, data=lambda w: {"action": "find"}))
    TABLE.row_of(ANY, "masks/<int:image_id>/box/", 422, **post(**picture))
    for name in ("photo.jpg", "matte.png"):
        TABLE.row_of(ANY, f"masks/<int:image_id>/{name}", 404, **picture)
    TABLE.list_for(ANY, "catalog/imports/")
    TABLE.row_of(ANY, "catalog/imports/", **ours)
    TABLE.row_of(ANY, "catalog/imports/<int:import_id>/", **feed)
    TABLE.row_of(MERCHANT, "catalog/imports/<int:import_id>/apply/", 302, **post(**feed))
    TABLE.row_of(ANY, "catalog/imports/<int:import_id>/issues.csv", **feed)
    TABLE.row_of(MERCHANT, "catalog/imports/<int:import_id>/columns/", 302, **feed)
    source = {"path": _source}
    TABLE.list_for(ANY, "catalog/feeds/")
    TABLE.row_of(ANY, "catalog/feeds/", **ours)
    TABLE.list_for(MERCHANT, "catalog/feeds/add/")
    TABLE.row_of(MERCHANT, "catalog/feeds/add/", 422, **post(data=lambda w: {"merchant": "ours", "name": ""}))
    TABLE.row_of(ANY, "catalog/feeds/<int:source_id>/", **source)
    TABLE.row_of(MERCHANT, "catalog/feeds/<int:source_id>/edit/", **source)
    TABLE.row_of(
        MERCHANT,
        "catalog/feeds/<int:source_id>/<str:action>/",
        302,
        **post(path=lambda w: _source(w) | {"action": "pause"}),
    )
    TABLE.list_for(MERCHANT, "products/add/")
    TABLE.row_of(MERCHANT, "products/add/", 422, **post(**ours))
    TABLE.row_of(ANY, "products/<int:product_id>/", **product)
    TABLE.row_of(MERCHANT, "products/<int:product_id>/edit/", **product)
    retire = {"data": lambda w: {"status": "retired"}}
    TABLE.row_of(MERCHANT, "products/<int:product_id>/status/", 302, **post(**product, **retire))
    TABLE.row_of(MERCHANT, "products/<int:product_id>/creatives/", 302, **post(**product))
    TABLE.row_of(ANY, "products/<int:product_id>/creatives.zip", **product)
    TABLE.row_of(
        MERCHANT,
        "products/<int:product_id>/creatives/<int:creative_id>/<str:action>/",
        302,
        **post(
            path=lambda w: {"product_id": w.product.pk, "creative_id": w.creative.pk, "action": "another"}
        ),
    )
    unwanted = {"data": lambda w: {"prompt": w.version.prompt_id, "scope": "product"}}
    TABLE.row_of(MERCHANT, "products/<int:product_id>/vetoes/", 302, **post(**product, **unwanted))
    TABLE.row_of(MERCHANT, "products/<int:product_id>/vetoes/<int:veto_id>/lift/", 302, **post(path=_veto))
    slug = {"path": lambda w: {"slug": w.placement.slug}}
    TABLE.list_for(MERCHANT, "catalog/layouts/")
    TABLE.row_of(MERCHANT, "catalog/layouts/", **ours)
    TABLE.list_for(MERCHANT, "catalog/layouts/<slug:slug>/", **slug)
    TABLE.row_of(MERCHANT, "catalog/layouts/<slug:slug>/", **slug, **ours)
    TABLE.list_for(MERCHANT, "catalog/layouts/<slug:slug>/preview/", **slug)
    TABLE.row_of(MERCHANT, "catalog/layouts/<slug:slug>/preview/", **slug, **ours)
    TABLE.row_of(MERCHANT, "products/<int:product_id>/images/", 422, **post(**product))
    TABLE.row_of(
        MERCHANT,
        "products/<int:product_id>/images/<int:image_id>/<str:action>/",
        302,
        **post(path=lambda w: {"product_id": w.product.pk, "image_id": w.image.pk, "action": "primary"}),
    )


def _trial(w: World) -> dict[str, Any]:
    trial, _ = PromptTrial.objects.get_or_create(category=w.product.category, text="on an oak table")
    return {"trial_id": trial.pk}


def _prompts_and_placements() -> None:
    prompt = {"path": lambda w: {"prompt_id": w.version.prompt_id}}
    placement = {"path": lambda w: {"slug": w.placement.slug}}
    TABLE.list_for(MERCHANT, "prompts/")
    TABLE.row_of(MERCHANT, "prompts/", data=lambda w: {"category": w.product.category_id})
    TABLE.row_of(MERCHANT, "prompts/<int:prompt_id>/", **prompt)
    TABLE.admins("prompts/<int:prompt_id>/edit/", **prompt)
    TABLE.admins("prompts/<int:prompt_id>/edit/", 422, **post(**prompt))
    TABLE.admins("prompts/<int:prompt_id>/retire/", 302, **post(**prompt))
    TABLE.admins("prompts/trials/<int:trial_id>/", path=_trial)
    TABLE.admins("prompts/export.<str:kind>", path=lambda w: {"kind": "csv"})
    TABLE.admins("prompts/import/")
    TABLE.admins("prompts/import/", 422, **post())
    TABLE.admins("prompts/import/apply/", 404, **post())
    TABLE.admins("categories/add/")
    TABLE.admins(
        "categories/<int:category_id>/prompts/add/", path=lambda w: {"category_id": w.product.category_id}
    )
    TABLE.list_for(MERCHANT, "placements/")
    TABLE.admins("placements/add/")
    TABLE.admins("placements/preview/")
    TABLE.admins("placements/<slug:slug>/edit/", **placement)
    TABLE.admins("placements/<slug:slug>/switch/", 302, **post(**placement))


def _review() -> None:
    creative = {"path": lambda w: {"creative_id": w.creative.pk}}
    token = "5d5b1a3e-0f5e-4a53-9d0b-2f6f2f1f0c11"
    approve = {"data": lambda w: {"token": token, "action": "approve"}}
    for route in ("review/", "review/approved/", "review/stats/"):
        TABLE.list_for("reviewer", route)
    TABLE.list_for(ANY, "review/history/")
    TABLE.row_of("reviewer", "review/<int:creative_id>/decide/", 302, **post(**creative, **approve))
    TABLE.row_of("reviewer", "review/<int:creative_id>/skip/", 302, **post(**creative))
    TABLE.row_of(
        "owner",
        "review/rules/trust/<int:trust_id>/recall/",
        302,
        **post(path=lambda w: {"trust_id": w.prompt_trust.pk}),
    )
    TABLE.row_of("reviewer", "review/<int:creative_id>/finding.png", 404, **creative)
    TABLE.list_for("reviewer", "review/views/", 302, **post())
    TABLE.list_for(
        "reviewer", "review/views/<int:view_id>/forget/", 404, **post(path=lambda w: {"view_id": 1})
    )
    TABLE.list_for("owner", "review/second/")
    TABLE.row_of(
        "owner",
        "review/second/<int:case_id>/resolve/",
        302,
        **post(path=lambda w: {"case_id": w.second_opinion.pk}, **approve),
    )
    TABLE.admins("review/gold/")
    TABLE.admins("review/gold/<int:creative_id>/set/", 302, **post(**creative, **approve))
    TABLE.admins("review/gold/<int:gold_id>/retire/", 302, **post(path=lambda w: {"gold_id": w.gold_item.pk}))
    TABLE.list_for("owner", "review/rules/")
    TABLE.row_of(
        "owner",
        "review/rules/trust/<int:trust_id>/<str:turn>/",
        302,
        **post(path=lambda w: {"trust_id": w.prompt_trust.pk, "turn": "stop"}),
    )
    TABLE.row_of("reviewer", "review/<int:creative_id>/finding.png", 404, **creative)
    TABLE.list_for("reviewer", "review/views/", 302, **post())
    TABLE.list_for(
        "reviewer", "review/views/<int:view_id>/forget/", 404, **post(path=lambda w: {"view_id": 1})
    )
    TABLE.list_for("owner", "review/second/")
    TABLE.row_of(
        "owner",
        "review/second/<int:case_id>/resolve/",
        302,
        **post(path=lambda w: {"case_id": w.second_opinion.pk}, **approve),
    )
    TABLE.admins("review/gold/")
    TABLE.admins("review/gold/<int:creative_id>/set/", 302, **post(**creative, **approve))
    TABLE.admins("review/gold/<int:gold_id>/retire/", 302, **post(path=lambda w: {"gold_id": w.gold_item.pk}))
    TABLE.list_for("owner", "review/rules/")
    TABLE.row_of(
        "owner",
        "review/rules/trust/<int:trust_id>/<str:turn>/",
        302,
        **post(path=lambda w: {"trust_id": w.prompt_trust.pk, "turn": "stop"}),
    )
    TABLE.list_for("reviewer", "review/bulk/", 400, **post())
    TABLE.list_for("reviewer", "review/undo/", 400, **post())
    TABLE.list_for("reviewer", "review/heartbeat/", **post())


def _bandit() -> None:
    TABLE.public("e/<str:token>", path=lambda w: {"token": "forged"})
    TABLE.public("c/<str:token>", 404, path=lambda w: {"token": "forged"})
    files = [
        f"reports/{name}.{kind}" for name in ("export", "creatives", "learned") for kind in ("csv", "json")
    ]
    for route in ("reports/", "reports/creatives/", "reports/learned/", *files):
        TABLE.list_for(MERCHANT, route)
        TABLE.row_of(MERCHANT, route, **ours)
    for route in ("experiments/", "policy/"):
        TABLE.list_for(MERCHANT, route)
        TABLE.row_of(MERCHANT, route, **ours)
    pool = {"path": lambda w: {"category_id": w.version.prompt.category_id}}
    prompt = {"path": lambda w: {"category_id": w.version.prompt.category_id, "version_id": w.version.pk}}
    TABLE.row_of("owner", "policy/pools/<int:category_id>/settings/", **pool, **ours)
    TABLE.row_of(MERCHANT, "policy/pools/<int:category_id>/switch/", 302, **post(**pool, **ours))
    TABLE.row_of(
        MERCHANT, "policy/pools/<int:category_id>/pause/<int:version_id>/", 302, **post(**prompt, **ours)
    )
    TABLE.row_of(
        MERCHANT, "policy/pools/<int:category_id>/resume/<int:version_id>/", 302, **post(**prompt, **ours)
    )
    TABLE.row_of(
        "owner",
        "policy/<int:policy_id>/version/",
        302,
        **post(path=lambda w: {"policy_id": w.policy.pk}, data=lambda w: {"version": "1"}),
    )
    TABLE.list_for(MERCHANT, "policy/why/")
    TABLE.list_for(MERCHANT, "policy/compare/")
    TABLE.row_of(MERCHANT, "policy/compare/", **ours)
    TABLE.row_of(
        MERCHANT, "policy/compare/<int:comparison_id>/", path=lambda w: {"comparison_id": w.comparison.pk}
    )
    TABLE.list_for(MERCHANT, "experiments/phases/")
    TABLE.row_of(MERCHANT, "experiments/phases/", **ours)
    experiment = {"path": lambda w: {"experiment_id": w.experiment.pk}}
    for page in ("", "export.csv", "export.json"):
        TABLE.row_of(MERCHANT, f"experiments/<int:experiment_id>/{page}", **experiment)
    TABLE.admins("experiments/add/")
    TABLE.admins("experiments/holdout/", 302, **post(**ours))
    for step in ("start", "ask", "widen", "stop", "discard"):
        TABLE.admins(f"experiments/<int:experiment_id>/{step}/", 302, **post(**experiment))


def _change(w: World) -> dict[str, Any]:
    """A change that can be taken back once."""
    target = f"creatives.merchant:{w.merchant.pk}"
    entry = AuditEntry.objects.create(area="merchants", action="changed", subject="ours", target=target)
    return {"entry_id": entry.pk}


def _operators() -> None:
    TABLE.admins("operations/")
    TABLE.admins("changes/")
    TABLE.admins("changes/<int:entry_id>/undo/", 302, **post(path=_change))
    TABLE.admins("operations/requests/")
    TABLE.admins("operations/messages/")
    TABLE.admins("operations/requests/requeue/", 302, **post())
    TABLE.admins(
        "operations/requests/<int:request_id>/requeue/",
        302,
        **post(path=lambda w: {"request_id": w.request.pk}),
    )
    TABLE.admins(
        "operations/messages/<int:delivery_id>/replay/",
        302,
        **post(path=lambda w: {"delivery_id": w.delivery.pk}),
    )


def _profiles() -> None:
    TABLE.admins("profiles/")
    TABLE.admins("profiles/", 422, **post())
    TABLE.admins(
        "profiles/comparisons/<int:comparison_id>/",
        path=lambda w: {"comparison_id": w.profile_comparison.pk},
    )


def _decision(w: World) -> dict[str, Any]:
    item = {"merchant": "ours", "id": w.product.external_id}
    placement = {"id": w.placement.slug, "width": 300, "height": 250}
    return {"user": {"id": "u1"}, "placement": placement, "items": [item]}


def _api() -> None:
    TABLE.public("api/v1/openapi.json")
    TABLE.public("api/v1/", 404)
    TABLE.api("POST", "decisions", 401, 200, 200, 200, body=_decision)
    TABLE.api("POST", "events", 401, 202, 202, 202, body=[])
    TABLE.api("POST", "catalogs/<merchant>", 401, 404, 422, 404, path=lambda w: {"merchant": "ours"})
    ahead = {"body": lambda w: {"items": [{"merchant": "ours", "id": w.product.external_id}]}}
    TABLE.api("GET", "creatives", 401, 200, 200, 200)
    TABLE.api("POST", "creatives", 401, 202, 202, 202, **ahead)
    TABLE.api(
        "GET", "creatives/<creative_id>", 401, 404, 200, 200, path=lambda w: {"creative_id": w.creative.pk}
    )
    TABLE.api("GET", "imports/<import_id>", 401, 404, 200, 404, path=lambda w: {"import_id": w.feed.pk})


_operations()
_accounts()
_catalogue()
_prompts_and_placements()
_review()
_operators()
_profiles()
_bandit()
_api()

"""Report pages over a large log, and what it takes to count it: set-based rows in a scratch cluster.

``REPORT_IMPRESSIONS`` is the size of the log (default 300,000; the goal is stated for 10,000,000). One merchant, 90 days,
4 pools of 3 prompts, 1,500 creatives, 3 placements, 3 devices, one experiment.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import TYPE_CHECKING, Any

from benchmarks.decisions import _database

if TYPE_CHECKING:
    from benchmarks.__main__ import Result

IMPRESSIONS = int(os.environ.get("REPORT_IMPRESSIONS", "300000"))
DAYS = 90
CHUNK = 500_000
LOOKS = 5
GOAL_MS = 300.0
SPLITS = ("arm", "shown", "prompt", "category", "placement", "device")

_CREATIVES = """
WITH requests AS (
    INSERT INTO creatives_creativerequest (merchant_id, image_sha256, prompt_version_id, bucket, layout,
                                           pipeline_version, seed, status, attempts, fence, error)
    SELECT %(merchant)s, lpad(p::text, 64, '0'), v, '320x256', 's72-s-m8', '1', 0, 'done', 1, 1, ''
    FROM generate_series(1, %(products)s) p, unnest(%(versions)s::bigint[]) WITH ORDINALITY AS u (v, n)
    WHERE (n - 1) / 3 = p %% 4
    RETURNING id, image_sha256, prompt_version_id
)
INSERT INTO creatives_creative (merchant_id, request_id, seed, status, reason, mask, placed, edges, generated, final,
                                record, created_at)
SELECT %(merchant)s, id, 1, 'approved', '', 'm', 'p', 'e', 'g', 'f.png', '{}', now() FROM requests
"""
# Users differ in how much and what they look at; a few products are seen most; clicks come at 2 to 4 %.
_IMPRESSIONS = """
INSERT INTO bandit_impression (decision_id, merchant_id, product_id, category_id, creative_id, prompt_version_id,
    experiment_id, arm, arm_kind, placement, device, variant, is_fallback, propensity, policy_version, encoding_version,
    features, user_key, is_simulated, flags, issued_at, occurred_at)
SELECT gen_random_uuid(), %(merchant)s, product, (%(categories)s::bigint[]) [product %% 4 + 1],
    CASE WHEN NOT fell_back THEN %(creatives)s + (product - 1) * 3 + place END,
    (%(versions)s::bigint[]) [(product %% 4) * 3 + place + 1],
    %(experiment)s, CASE WHEN who %% 5 = 0 THEN 'random' ELSE 'personalised' END,
    CASE WHEN who %% 5 = 0 THEN 'random' ELSE 'personalised' END,
    (ARRAY['home', 'list', 'cart']) [product %% 3 + 1], (ARRAY['mobile', 'desktop', 'tablet']) [who %% 3 + 1],
    CASE WHEN fell_back THEN 'original' ELSE 'generated' END, fell_back,
    CASE WHEN who %% 5 = 0 THEN 1 / 3.0 WHEN place = who %% 3 THEN 0.9333 ELSE 0.0333 END, 1, 1,
    %(features)s::jsonb, md5(who::text), false, '{}', at, at
FROM (
    SELECT (power(random(), 2) * %(users)s)::int AS who, 1 + (power(random(), 2) * (%(products)s - 1))::int AS product,
        random() < 0.05 AS fell_back, random() AS luck, floor(random() * 3)::int AS any_place,
        %(start)s::timestamptz + make_interval(secs => (%(first)s + n) * %(step)s) AS at
    FROM generate_series(1, %(rows)s) AS n
) AS drawn,
LATERAL (SELECT CASE WHEN who %% 5 = 0 OR luck < 0.1 THEN any_place ELSE who %% 3 END AS place) AS chosen
"""
_CLICKS = """
INSERT INTO bandit_click (decision_id, merchant_id, event_id, is_simulated, occurred_at)
SELECT decision_id, merchant_id, '', false, occurred_at + interval '20 seconds' FROM bandit_impression
WHERE random() < 0.02 + 0.015 * (prompt_version_id % 3)::int / 2
"""
_CONVERSIONS = """
INSERT INTO bandit_conversion (merchant_id, event_id, decision_id, value, is_simulated, occurred_at)
SELECT merchant_id, decision_id::text, decision_id, 25, false, occurred_at + interval '1 hour' FROM bandit_click
WHERE random() < 0.05
"""
_FEATURES = """{"user": {"device": "mobile", "age": 31, "member": true, "hour": 20},
 "item": {"category": "Home & Garden > Kitchen", "price": 19.99, "brand": "Moka", "color": "blue"},
 "placement": {"id": "home", "width": 300, "height": 250, "site": "news"}}"""


def run() -> list[Result]:
    """Milliseconds of every page, the slowest first look included; rows a second of counting."""
    with _database():
        merchant = _log()
        counted = _timed(lambda: _rebuild(merchant))
        again = _timed(lambda: _a_thousand_more(merchant))
        pages = _pages(merchant)
    worst = max(pages.values())
    return [
        {
            "name": f"roll-up of {IMPRESSIONS:,} impressions",
            "value": IMPRESSIONS / counted,
            "unit": "impressions/s",
        },
        {"name": "roll-up after 1,000 new events", "value": round(1000 * again), "unit": "ms"},
        *_page_results(pages),
        {
            "name": "the slowest page",
            "value": round(worst, 1),
            "unit": "ms",
            "versus": f"goal of {GOAL_MS:.0f} ms",
            "ratio": round(worst / GOAL_MS, 3),
        },
    ]


def _log() -> Any:
    """A merchant with a log of ``IMPRESSIONS``; its roll-ups are empty."""
    from bandit.experiments import ensure_default_experiments
    from bandit.models import Experiment, RollupTouch
    from creatives.models import Creative
    from tests import factories

    merchant = factories.merchant("bench", attribution_minutes=60)
    ensure_default_experiments()
    versions = [
        factories.prompt_version(factories.category(name))
        for name in ("Shoes", "Mugs", "Chairs", "Lamps")
        for _ in range(3)
    ]
    for slug in ("home", "list", "cart"):
        factories.placement(slug)
    parameters: dict[str, Any] = {
        "merchant": merchant.pk,
        "products": 500,
        "versions": [version.pk for version in versions],
        "categories": [version.prompt.category_id for version in versions[::3]],
        "experiment": Experiment.objects.get().pk,
        "users": IMPRESSIONS // 8,
        "features": _FEATURES,
        "start": datetime.combine(datetime.now(UTC).date() - timedelta(days=DAYS - 1), clock.min, UTC),
        "step": (DAYS - 0.5) * 86400 / IMPRESSIONS,
    }
    _execute(_CREATIVES, parameters)
    parameters["creatives"] = Creative.objects.order_by("pk").values_list("pk", flat=True)[0]
    for first in range(0, IMPRESSIONS, CHUNK):
        _execute(_IMPRESSIONS, parameters | {"first": first, "rows": min(CHUNK, IMPRESSIONS - first)})
        print(f"  {min(first + CHUNK, IMPRESSIONS):,} impressions written", flush=True)
    for statement in (_CLICKS, _CONVERSIONS):
        _execute(statement, {})
    _execute("ANALYZE", {})
    RollupTouch.objects.all().delete()
    return merchant


def _rebuild(merchant: Any) -> None:
    from bandit.rollups import rebuild, roll_up

    rebuild(merchant.pk)
    print(f"  {roll_up():,} hours counted", flush=True)
    _execute("VACUUM ANALYZE", {})


def _page_results(pages: dict[str, float]) -> list[Result]:
    return [{"name": name, "value": round(value, 1), "unit": "ms"} for name, value in pages.items()]


def _a_thousand_more(merchant: Any) -> None:
    """The newest hour gets a thousand more, as it does all the time."""
    from bandit.models import Impression
    from bandit.rollups import roll_up

    last = Impression.objects.order_by("-occurred_at")[0]
    columns = [
        str(field.column) for field in Impression._meta.concrete_fields if field.column != "decision_id"
    ]
    names = ", ".join(columns)
    _execute(
        f"INSERT INTO bandit_impression (decision_id, {names}) SELECT gen_random_uuid(), {names} "  # noqa: S608
        "FROM bandit_impression, generate_series(1, 1000) WHERE decision_id = %(last)s",
        {"last": last.pk},
    )
    roll_up()


def _pages(merchant: Any) -> dict[str, float]:
    """By page: the slowest of ``LOOKS`` looks, the first included (ms)."""
    from django.test import Client

    from bandit.models import Experiment
    from tests import factories

    client = Client()
    client.force_login(factories.member(merchant, "owner"))
    client.get("/policy/")  # templates of the frame are loaded once a process
    experiment = Experiment.objects.get().pk
    addresses = {
        f"report by {split}, {days} days": f"/reports/?split={split}&period={days}"
        for split in SPLITS
        for days in (1, 28, 90)
    }
    first = Experiment.objects.get()
    addresses |= {
        "report by prompt, 90 days, one device's placement": "/reports/?split=prompt&period=90&placement=home",
        "report by arm, 90 days, one experiment": f"/reports/?split=arm&period=90&experiment={first.pk}",
        "report as CSV, 90 days": "/reports/export.csv?split=prompt&period=90",
        "report as JSON, 90 days": "/reports/export.json?split=prompt&period=90",
        "best and worst creatives, 90 days": "/reports/creatives/?period=90",
        "what the bandit learned, 90 days": "/reports/learned/?period=90",
        "experiments": "/experiments/",
        "one experiment": f"/experiments/{experiment}/",
        "the three phases": "/experiments/phases/",
    }
    found = {}
    for name, address in addresses.items():
        times = [_timed(lambda address=address: _open(client, address)) for _ in range(LOOKS)]  # type: ignore[misc]
        found[name] = 1000 * max(times)
        print(
            f"  {name}: first {1000 * times[0]:.0f} ms, then {1000 * statistics.median(times[1:]):.0f} ms",
            flush=True,
        )
    return found


def _open(client: Any, address: str) -> None:
    response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"{address}: {response.status_code}")


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _execute(statement: str, parameters: dict[str, Any]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)

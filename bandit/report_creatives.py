"""The best and the worst creatives: those whose click rates stand out in their pool, for all that chance may do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bandit.report_query import TRAFFIC, ReportFilter, parameters_of, rows
from bandit.statistics import Interval, quantile, wilson
from creatives.models import Creative, Product, ProductImage

SHOWN = 12
MIN_IMPRESSIONS = 100

_QUERY = """
select d.creative_id, p.category_id, d.impressions, d.clicks
from (
    select creative_id, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks
    from bandit_dailycreative
    where merchant_id = %(merchant)s and day >= %(start)s and day < %(end)s
        and (%(placement)s = '' or placement = %(placement)s) and {traffic}
    group by creative_id
) d
join creatives_creative c on c.id = d.creative_id
join creatives_creativerequest r on r.id = c.request_id
join creatives_promptversion v on v.id = r.prompt_version_id
join creatives_prompt p on p.id = v.prompt_id
where (%(category)s is null or p.category_id = %(category)s) and (%(prompt)s is null or v.id = %(prompt)s)
"""


@dataclass(frozen=True)
class CreativeRow:
    """A creative: ``ratio`` is its click rate over that of its pool, 1.2 for a fifth more."""

    creative: Creative
    product: Product | None
    impressions: int
    clicks: int
    interval: Interval
    ratio: float

    @property
    def ctr(self) -> float:
        return self.clicks / self.impressions

    @property
    def prompt(self) -> str:
        return str(self.creative.request.prompt_version)

    @property
    def pool(self) -> str:
        return self.creative.request.prompt_version.prompt.category.path


@dataclass(frozen=True)
class CreativeReport:
    """``shown`` creatives were shown at all, ``judged`` often enough to be ranked."""

    best: list[CreativeRow]
    worst: list[CreativeRow]
    shown: int
    judged: int

    @property
    def highest(self) -> float:
        """The upper end of the widest interval, for a common scale."""
        return max((row.interval.high for row in (*self.best, *self.worst)), default=1.0)


def build(wanted: ReportFilter, limit: int = SHOWN) -> CreativeReport:
    """The ``limit`` best by the lower end of their interval over their pool's rate, and worst by the upper end (3 queries).

    A creative is in one of the lists only: with few of them, the better half makes the first.
    """
    parameters = parameters_of(wanted, "day") | {
        "placement": wanted.placement,
        "category": wanted.category_id,
        "prompt": wanted.prompt_version_id,
    }
    found = rows(_QUERY.format(traffic=TRAFFIC[wanted.traffic]), parameters)
    judged = [row for row in found if row[2] >= MIN_IMPRESSIONS]
    if not judged:
        return CreativeReport([], [], len(found), 0)
    pools = _pool_rates(found)
    table = np.array([(n, c, pools[category]) for _, category, n, c in judged])
    low, high = _wilson(table[:, 1], table[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        floor, ceiling = np.nan_to_num(low / table[:, 2]), np.nan_to_num(high / table[:, 2], posinf=np.inf)
    count = min(limit, (len(judged) + 1) // 2)
    best = np.argsort(-floor, kind="stable")[:count]
    worst = [index for index in np.argsort(ceiling, kind="stable") if index not in set(best.tolist())][:count]
    chosen = _described([judged[index] for index in (*best, *worst)], pools)
    return CreativeReport(
        [chosen[judged[index][0]] for index in best if judged[index][0] in chosen],
        [chosen[judged[index][0]] for index in worst if judged[index][0] in chosen],
        len(found),
        len(judged),
    )


def records(report: CreativeReport) -> list[dict[str, Any]]:
    """Flat records for CSV and JSON."""
    return [
        {
            "list": name,
            "creative": row.creative.pk,
            "product": row.product.external_id if row.product else None,
            "pool": row.pool,
            "prompt": row.prompt,
            "size": row.creative.request.bucket,
            "impressions": row.impressions,
            "clicks": row.clicks,
            "ctr": row.ctr,
            "ctr_low": row.interval.low,
            "ctr_high": row.interval.high,
            "times_its_pool": row.ratio,
            "picture": row.creative.final.url if row.creative.final else None,
        }
        for name, rows_ in (("best", report.best), ("worst", report.worst))
        for row in rows_
    ]


def _pool_rates(found: Iterable[tuple[Any, ...]]) -> dict[int, float]:
    sums: dict[int, list[int]] = {}
    for _, category, impressions, clicks in found:
        one = sums.setdefault(category, [0, 0])
        one[0] += impressions
        one[1] += clicks
    return {category: clicks / impressions for category, (impressions, clicks) in sums.items()}


def _wilson(clicks: np.ndarray, impressions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of `bandit.statistics.wilson` for many creatives at once."""
    z = quantile(0.95)
    p, spread = clicks / impressions, z * z / impressions
    centre = (p + spread / 2.0) / (1.0 + spread)
    half = np.sqrt(spread * (p * (1.0 - p) + spread / 4.0)) / (1.0 + spread)
    return np.where(clicks == 0, 0.0, centre - half), centre + half


def _described(chosen: Sequence[tuple[Any, ...]], pools: dict[int, float]) -> dict[int, CreativeRow]:
    creatives = Creative.objects.select_related("request__prompt_version__prompt__category").in_bulk(
        [row[0] for row in chosen]
    )
    products = _products(creatives.values())
    found = {}
    for pk, category, impressions, clicks in chosen:
        if creative := creatives.get(pk):
            found[pk] = CreativeRow(
                creative,
                products.get((creative.merchant_id, creative.request.image_sha256)),
                impressions,
                clicks,
                wilson(clicks, impressions),
                clicks / impressions / pools[category] if pools[category] else 1.0,
            )
    return found


def _products(creatives: Iterable[Creative]) -> dict[tuple[int, str], Product]:
    """By merchant and photo: the product that has it, the first one if there are several."""
    hashes = {creative.request.image_sha256 for creative in creatives}
    merchants = {creative.merchant_id for creative in creatives}
    images = ProductImage.objects.filter(merchant__in=merchants, sha256__in=hashes).select_related("product")
    return {(image.merchant_id, image.sha256): image.product for image in images.order_by("-product_id")}

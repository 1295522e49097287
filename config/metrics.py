"""Metrics for Prometheus: requests by route, and the state of the product read from the database at each scrape."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.db import connection
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric

REQUESTS = Counter("studio_http_requests_total", "HTTP requests.", ["method", "route", "status"])
LATENCY = Histogram(
    "studio_http_request_seconds",
    "Seconds per HTTP request.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)

# name, help, label, query: each row is (label value, number)
STATE = (
    (
        "studio_creative_requests",
        "Requests for creatives.",
        "status",
        "select status, count(*) from creatives_creativerequest group by 1",
    ),
    (
        "studio_creatives",
        "Creatives.",
        "status",
        "select status, count(*) from creatives_creative group by 1",
    ),
    (
        "studio_outbox_entries",
        "Wake-ups waiting in the outbox.",
        "job",
        "select job, count(*) from creatives_outboxentry group by 1",
    ),
    (
        "studio_webhook_deliveries",
        "Webhook messages.",
        "status",
        "select status, count(*) from creatives_webhookdelivery group by 1",
    ),
    (
        "studio_oldest_seconds",
        "Age of what has waited longest.",
        "what",
        """select 'generation', coalesce(extract(epoch from now() - min(created_at)), 0)
             from creatives_creativerequest where status = 'queued'
           union all
           select 'review', coalesce(extract(epoch from now() - min(created_at)), 0)
             from creatives_creative where status = 'in_review'""",
    ),
    (
        "studio_generations_saved",
        "Exact sizes served by a generation that another size had asked for.",
        "by",
        "select 'bucket', count(*) - count(distinct request_id) from creatives_rendition",
    ),
)


class StateCollector:
    """Reads the product's state when it is scraped, so that it is the same whichever process answers."""

    def collect(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            for name, text, label, query in STATE:
                cursor.execute(query)
                family = GaugeMetricFamily(name, text, labels=[label])
                for value, number in cursor.fetchall():
                    family.add_metric([value], float(number))
                yield family


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request. ``route`` is the pattern, never the path, so that the number of series stays small."""
    REQUESTS.labels(method, route, str(status)).inc()
    LATENCY.labels(route).observe(seconds)


def render() -> bytes:
    """The exposition, summed over the web processes where there are several."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
        registry.register(LATENCY)
    registry.register(StateCollector())
    return generate_latest(registry)
